// The program: src becomes dist, few large files instead of many hundred small ones, since a server that starts
// would spend a quarter of its time in finding, reading and linking them. Packages stay packages, as npm has installed them, but for
// those of many small files that every server needs; their licences are in dist/licenses.md.
// The declarations come from tsc (tsconfig.build.json), the page from vite.config.ts.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  publicDir: false,
  ssr: { noExternal: ['zod', 'yaml', 'prom-client', '@opentelemetry/api', 'tdigest', 'bintrees', 'node-forge'] },
  build: {
    ssr: true,
    license: { fileName: 'licenses.md' },
    outDir: folder('dist/'),
    emptyOutDir: false,
    target: 'node24',
    minify: false,
    sourcemap: true,
    rolldownOptions: {
      // The program, what it starts as a process of its own, and what package.json publishes.
      input: {
        main: folder('src/main.ts'),
        worker: folder('src/worker.ts'),
        meddle: folder('src/meddle/meddler.ts'),
        testing: folder('src/testing.ts'),
        'testing-vitest': folder('src/testing-vitest.ts'),
      },
      // Flat, so that src/package-folder.ts finds the package; names that stay, so that nothing is left of an earlier build.
      output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
    },
  },
});
