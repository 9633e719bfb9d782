import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { reportLines } from './bench/print-report.ts';
import type { Report } from './bench/report.ts';
import { comparisonLines, describeMachine, type RunDocument, readEarlierRun } from './bench/run-document.ts';
import { writePerformanceDocument } from './bench/write-document.ts';

/** Benchmarks in the order in which all of them run; each is a file scripts/bench/<name>.ts. */
const BENCHMARKS = [
  'start',
  'burst',
  'stop',
  'footprint',
  'recovery',
  'network',
  'pull',
  'lazy-pull',
  'metadata',
  'logs',
  'steady',
];

/** Wishes of the caller; a benchmark follows those that mean something to it. */
export interface BenchmarkOptions {
  /** How often each contender is measured; absent: the benchmark's own choice. */
  readonly rounds?: number;
  /** Where to write a trace in the format of Chrome's trace viewer. */
  readonly traceFile?: string;
}

/** What scripts/bench/<name>.ts exports. Everything that it starts has ended when it is done. */
interface Benchmark {
  runBenchmark(options: BenchmarkOptions): Promise<Report>;
}

const USAGE = `npm run bench [-- NAME …] [--json] [--compare FILE] [--rounds N] [--trace FILE] [--document]
  NAME            ${BENCHMARKS.join(', ')}; default: all that exist
  --json          print JSON, for --compare of a later run
  --compare FILE  show the medians of an earlier run beside those of this one
  --rounds N      measure each contender N times
  --trace FILE    write a trace of one start that the browser's trace viewer opens (start)
  --document      put the tables into docs/performance.md`;

const ROOT = join(import.meta.dirname, '..');

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      compare: { type: 'string' },
      rounds: { type: 'string' },
      trace: { type: 'string' },
      document: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.find((name) => !BENCHMARKS.includes(name));
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (unknown !== undefined || (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)))
    throw new TypeError(unknown === undefined ? `${values.rounds} rounds` : `unknown benchmark ${unknown}`);
  const earlier = values.compare === undefined ? undefined : readEarlierRun(values.compare);

  const say = (lines: readonly string[]) => {
    if (!values.json) for (const line of [...lines, '']) console.log(line);
  };
  say([describeMachine()]);
  const reports: Report[] = [];
  let worst = 0;
  for (const name of positionals.length === 0 ? BENCHMARKS : positionals) {
    const file = join(import.meta.dirname, 'bench', `${name}.ts`);
    if (!existsSync(file)) {
      console.error(`bench: ${name} comes later`);
      worst = 1;
      continue;
    }
    const benchmark: Benchmark = await import(file);
    const report = await benchmark.runBenchmark({
      ...(rounds !== undefined && { rounds }),
      ...(values.trace !== undefined && { traceFile: values.trace }),
    });
    reports.push(report);
    say(reportLines(report));
  }
  const run: RunDocument = { machine: describeMachine(), at: new Date().toISOString(), reports };
  if (values.json) console.log(JSON.stringify(run));
  if (earlier !== undefined) say(comparisonLines(earlier, run));
  if (values.document) writePerformanceDocument(join(ROOT, 'docs/performance.md'), run);
  return worst;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(`bench: ${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
