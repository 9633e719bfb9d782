import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { forgetLayers, readTestResults } from './test-results.ts';

/** What must be in order before the tests; each counts as failed on its own. */
const CHECKS = [
  { name: 'lint', command: ['biome', 'check', '--error-on-warnings'] },
  { name: 'types', command: ['tsc'] },
  { name: 'boundaries', command: ['node', 'scripts/boundaries.ts'] },
];
const LAYERS = ['unit', 'simulation', 'contract', 'integration', 'e2e', 'chaos'];

/** Runs checks and all layers, prints the closing line last, and gives the exit code. */
async function main(full: boolean): Promise<number> {
  const failedChecks: string[] = [];
  for (const { name, command } of CHECKS) {
    console.log(`== ${name}`);
    if ((await run(command)) !== 0) failedChecks.push(name);
  }

  const seed = process.env.ECS_TEST_SEED ?? String(randomInt(1, 2 ** 31));
  console.log(`== tests (ECS_TEST_SEED=${seed}${full ? ', in full' : ''})`);
  const layers = [...LAYERS, full ? 'vm' : 'vm-short'];
  forgetLayers(layers);
  const status = await run(['vitest', 'run', '--allowOnly=false'], {
    ECS_TEST_SEED: seed,
    ECS_TEST_VM: full ? 'all' : 'short',
    ...(full && { ECS_TEST_FULL: '1' }),
  });

  const results = readTestResults().layers;
  const tests = layers.flatMap((layer) => results[layer] ?? []);
  const count = (state: string) => tests.filter((result) => result.state === state).length;
  // A run that broke off has no results, yet it must not end in "0 failed".
  const broken = status !== 0 && count('failed') === 0 ? 1 : 0;
  const failed = count('failed') + failedChecks.length + broken;
  for (const name of failedChecks) console.log(`failed: ${name}`);
  console.log(`${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`);
  return failed === 0 && status === 0 ? 0 : 1;
}

/** Exit status of a command of node_modules; an end of this process ends the command too. */
async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: join(import.meta.dirname, '..'),
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.once('SIGTERM', forward).once('SIGINT', forward);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status) => resolve(status ?? 1));
    });
  } finally {
    process.off('SIGTERM', forward).off('SIGINT', forward);
  }
}

process.exitCode = await main(process.argv.includes('--full'));
