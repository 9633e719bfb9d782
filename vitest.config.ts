import { defineConfig } from 'vitest/config';

/**
 * Layers that run on real daemons as root: two files at a time, as tests wait more than they compute, and nothing of
 * a killed run in the way.
 */
const onHost = {
  pool: 'forks',
  maxWorkers: 2,
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // As long as `until` waits: a machine under load is slow.
  expect: { poll: { timeout: 10_000 } },
  globalSetup: 'test/support/sweep-abandoned.ts',
} as const;

/**
 * What of the virtual machine layer runs. It takes long: `all` with `npm run test:vm` and `./scripts/test --full`, the
 * `short` form with `./scripts/test`, nothing with `npm test`.
 */
const virtualMachine = process.env.ECS_TEST_VM;

/** One layer of test/; layers run one after the other, in the order given here. */
function layer(name: string, order: number, settings: object = onHost) {
  const include = [`test/${name}/**/*.test.ts`];
  return { test: { name, include, sequence: { groupOrder: order }, ...settings } };
}

const machine = { ...onHost, fileParallelism: false, testTimeout: 1_800_000 };
/** A layer of its own: what the last full run proved on the machine is not forgotten for it. */
const shortMachine = { ...machine, include: ['test/vm/containers.test.ts'] };

export default defineConfig({
  test: {
    reporters: ['default', './scripts/results-reporter.ts'],
    projects: [
      // Generous: a machine under load is slow, and nothing here waits for anything but its own work. Threads, as there
      // are many short files and a process takes longer to start than most of them.
      layer('unit', 0, { pool: 'threads', maxWorkers: 3, testTimeout: 30_000 }),
      // Takes all processors by itself.
      layer('simulation', 1, { fileParallelism: false }),
      layer('contract', 2),
      layer('integration', 3),
      layer('e2e', 4),
      layer('chaos', 5),
      ...(virtualMachine === 'all' ? [layer('vm', 6, machine)] : []),
      ...(virtualMachine === 'short' ? [layer('vm-short', 6, shortMachine)] : []),
    ],
  },
});
