// The exported file, read as a browser reads it: where elements begin and end, and whether what is in them is what its policy lets run.

import { createHash } from 'node:crypto';
import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { makeRecording, readRecording, writeRecording } from '../../../src/page/recording.ts';
import { assembleFile } from '../../../src/page/single-file.ts';

const recording = makeRecording({ from: 0, until: 1 }, [
  {
    name: '</script><script>alert(1)</script>',
    fqdn: '<!--<script>',
    role: 'edge',
    events: [],
    answers: [],
  },
]);
const SCRIPT =
  'globalThis.said = ["</script>", \'<SCRIPT>\', `<!--<script x>${1}</Script>`, /<script\\b/.source];\r\nglobalThis.isLess = 1<2;\r';
const file = await assembleFile({
  title: '</title><script>alert(2)</script> & "more"',
  script: SCRIPT,
  style: 'p::after { content: "</style><b>"; }\r\n',
  icon: '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>',
  recording: writeRecording(recording),
  noScript: '<b>none</b>',
});

/** The texts of the elements of a name: raw text goes on to the first end tag (WHATWG HTML, 13.2.5). */
function textsOf(name: string): string[] {
  return [...file.matchAll(new RegExp(`<${name}\\b[^>]*>(.*?)</${name}`, 'gis'))].map(([, text = '']) => text);
}

function policy(): Record<string, string> {
  const [, content = ''] = /http-equiv="content-security-policy" content="([^"]*)"/.exec(file) ?? [];
  return Object.fromEntries(
    content.split('; ').map((rule) => [rule.split(' ')[0] ?? '', rule.split(' ').slice(1).join(' ')]),
  );
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

describe('the exported file', () => {
  it('has the recording and the script as its only scripts, and one style', () => {
    expect(textsOf('script')).toHaveLength(2);
    expect(textsOf('style')).toHaveLength(1);
    expect(readRecording(textsOf('script')[0] ?? '')).toEqual(recording);
    expect(file.match(/<script\b/gi)).toHaveLength(2);
    expect(file.match(/<\/script/gi)).toHaveLength(2);
    expect(file).not.toMatch(/<b>none|\r/);
  });

  it('lets run and be shown what is in it and nothing else', () => {
    expect(policy()).toEqual({
      'default-src': "'none'",
      'script-src': hashOf(textsOf('script')[1] ?? ''),
      'style-src': hashOf(textsOf('style')[0] ?? ''),
      'img-src': 'data:',
      'base-uri': "'none'",
      'form-action': "'none'",
    });
    expect(file.indexOf('content-security-policy')).toBeLessThan(file.search(/<(?:title|style|script|link)/));
  });

  it('leaves what the script says as it was', () => {
    runInThisContext(textsOf('script')[1] ?? '');
    expect(Reflect.get(globalThis, 'said')).toEqual([
      '</script>',
      '<SCRIPT>',
      '<!--<script x>1</Script>',
      expect.stringMatching(/^(?:<|\\x3c)script\\b$/),
    ]);
    expect(Reflect.get(globalThis, 'isLess')).toBe(true);
  });

  it('names nothing to be fetched', () => {
    const addresses = [...file.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address);
    expect(addresses).toEqual([expect.stringMatching(/^data:image\/svg\+xml,[^<>"]+$/)]);
  });
});
