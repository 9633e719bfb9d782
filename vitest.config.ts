import { defineConfig } from 'vitest/config';

const host = {
  pool: 'forks',
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 120_000,
  globalSetup: 'test/support/sweep-abandoned.ts',
} as const;

/** Layers of test/: unit needs nothing, the others run on real daemons as root, one file at a time. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], ...host } },
      { test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...host } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...host } },
    ],
  },
});
