import { defineConfig } from 'vitest/config';

/** Where CI wants a JSON report of the run beside the words. */
const report = process.env['AGENTOS_TEST_REPORT'];

/** The matrix of real agents (`npm run e2e:agents`), apart from the tests: it installs programs first. */
export default defineConfig({
  test: {
    include: ['test/agents/*.e2e.ts'],
    globalSetup: ['test/support/build.ts'],
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // They mostly wait, for programs that start and for timers.
    maxWorkers: 3,
  },
});
