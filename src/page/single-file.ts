// One HTML file that holds the page and a recording, and asks nobody: its policy lets run and be shown what is in it and nothing
// else, by SHA-256 (CSP Level 3, 2.3.1).

import { RECORDING_ID } from './recording.ts';

export interface FileParts {
  /** Any text. */
  readonly title: string;
  /** The page's one script, a module. */
  readonly script: string;
  readonly style: string;
  /** An SVG. */
  readonly icon: string;
  /** As writeRecording wrote it. */
  readonly recording: string;
  /** For whoever has no JavaScript; any text. */
  readonly noScript: string;
}

/** Needs a secure context, which loopback and TLS are: a browser has no digests elsewhere. */
export async function assembleFile({ title, script, style, icon, recording, noScript }: FileParts): Promise<string> {
  const code = inlineScript(script);
  const look = inlineStyle(style);
  const policy = [
    "default-src 'none'",
    `script-src ${await hashOf(code)}`,
    `style-src ${await hashOf(look)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="content-security-policy" content="${policy}" />
    <meta name="referrer" content="no-referrer" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escapeHtml(title)}</title>
    <link rel="icon" type="image/svg+xml" href="data:image/svg+xml,${encodeURIComponent(icon)}" />
    <style>${look}</style>
  </head>
  <body>
    <div id="page"></div>
    <noscript>${escapeHtml(noScript)}</noscript>
    <script type="application/json" id="${RECORDING_ID}">${recording}</script>
    <script type="module">${code}</script>
  </body>
</html>
`;
}

/** The same script without what ends its element, or would begin another in a comment; in code both stand in literals alone. */
function inlineScript(script: string): string {
  return normalize(script).replace(/<(?=\/?script)/gi, '\\x3c');
}

function inlineStyle(style: string): string {
  return normalize(style).replace(/<(?=\/style)/gi, '\\3c ');
}

/** A parser makes these of line ends, so that they have to be so before they are hashed. */
function normalize(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

async function hashOf(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return `'sha256-${btoa(String.fromCharCode(...digest))}'`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
