// The page: src/page becomes dist/page, plain files that a strict content security policy lets run.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';
import texts from './src/page/texts.en.json' with { type: 'json' };

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Beside each file the same one compressed, so that no server has to do it for each reader. */
const compressed: Plugin = {
  name: 'compressed',
  writeBundle: ({ dir = '' }) => {
    for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }))
      if (/\.(?:html|css|js|svg)$/.test(name))
        writeFileSync(
          join(dir, `${name}.gz`),
          gzipSync(readFileSync(join(dir, name)), { level: constants.Z_BEST_COMPRESSION }),
        );
  },
};

/** What is said before there is any JavaScript. */
const said: Plugin = {
  name: 'said',
  transformIndexHtml: (html) => html.replace('{noScript}', texts.noScript),
};

export default defineConfig({
  plugins: [compressed, said],
  root: folder('src/page/'),
  // Relative addresses, so that the page also works below another one.
  base: './',
  publicDir: false,
  build: {
    outDir: folder('dist/page/'),
    emptyOutDir: true,
    target: 'es2022',
    // A file stays a file: the policy knows no data: but in images, and nothing is fetched before it is needed.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { output: { assetFileNames: 'assets/[name]-[hash][extname]' } },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
});
