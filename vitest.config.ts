import { defineConfig } from 'vitest/config';

/** Where CI wants a JSON report of the run beside the words. */
const report = process.env['AGENTOS_TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Tests start real processes; two at a time is what a two-core machine bears.
    maxWorkers: 2,
  },
});
