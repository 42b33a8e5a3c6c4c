// The page: src/page becomes dist/page, plain files that a strict content security policy lets run.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
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
