import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Limits against hanging, not measures: a slow machine is no failure.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Whole processes are started by many tests: two files at a time suit two cores.
    maxWorkers: 2,
    pool: 'forks',
  },
});
