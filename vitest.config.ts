import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Whole processes are started by many tests: two files at a time suit two cores.
    maxWorkers: 2,
    pool: 'forks',
  },
});
