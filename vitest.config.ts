import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Starts the files of whole processes first: what is left for the end is short, and no core waits for the other. */
class ProcessesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isShort = ({ moduleId }: TestSpecification): boolean => moduleId.includes('/test/unit/');
    const sorted = await super.sort(files);
    return [...sorted.filter((file) => !isShort(file)), ...sorted.filter(isShort)];
  }
}

const UNIT = 'test/unit/**/*.test.ts';

export default defineConfig({
  // What is published under a name of the package is the source here.
  ssr: { resolve: { conditions: ['relaypair-source', 'node'] } },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'processes', include: ['test/**/*.test.ts'], exclude: [UNIT] },
      },
      // These leave nothing behind in their process: the modules are loaded once for all of them.
      { extends: true, test: { name: 'unit', include: [UNIT], isolate: false } },
    ],
    globalSetup: 'test/helpers/built-program.ts',
    // Limits against hanging, not measures: a slow machine is no failure.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Tests of whole processes wait for a third of their time: three files at a time keep two cores busy.
    maxWorkers: 3,
    pool: 'forks',
    sequence: { sequencer: ProcessesFirst },
    env: {
      // The processes that tests start, more than a thousand, are of what was built, and what the first compiles it compiles for all.
      RELAYPAIR_BUILT: '1',
      NODE_COMPILE_CACHE: new URL('node_modules/.compiled', import.meta.url).pathname,
    },
  },
});
