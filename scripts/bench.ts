import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Benchmarks in the order in which all of them run; each is a file scripts/bench/<name>.ts. */
const BENCHMARKS = [
  'start',
  'burst',
  'stop',
  'footprint',
  'recovery',
  'network',
  'pull',
  'metadata',
  'logs',
  'steady',
];

/** What scripts/bench/<name>.ts exports: measures and prints its table, or JSON; gives the exit code. */
interface Benchmark {
  runBenchmark(options: { readonly json: boolean }): Promise<number>;
}

/** `npm run bench [-- NAME] [--json]`: one benchmark, or all that exist. */
async function main(args: readonly string[]): Promise<number> {
  const json = args.includes('--json');
  const names = args.filter((arg) => arg !== '--json');
  const unknown = names.find((name) => !BENCHMARKS.includes(name));
  if (unknown !== undefined) {
    console.error(`bench: unknown benchmark ${unknown}; there are ${BENCHMARKS.join(', ')}`);
    return 2;
  }
  let worst = 0;
  for (const name of names.length === 0 ? BENCHMARKS : names) {
    const file = join(import.meta.dirname, 'bench', `${name}.ts`);
    if (existsSync(file)) {
      const benchmark: Benchmark = await import(file);
      worst = Math.max(worst, await benchmark.runBenchmark({ json }));
    } else {
      console.error(`bench: ${name} comes later`);
      worst = Math.max(worst, 1);
    }
  }
  return worst;
}

process.exitCode = await main(process.argv.slice(2));
