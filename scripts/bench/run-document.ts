import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { z } from 'zod';
import { figure, textTable } from './print-report.ts';
import { type Report, summarise } from './report.ts';

const rowSchema = z.object({
  name: z.string(),
  unit: z.string(),
  samples: z.array(z.number()).min(1),
});
const documentSchema = z.object({
  machine: z.string(),
  /** ISO 8601. */
  at: z.string(),
  reports: z.array(z.object({ benchmark: z.string(), rows: z.array(rowSchema) })),
});

/** What `--json` prints and `--compare` reads. */
export interface RunDocument {
  readonly machine: string;
  readonly at: string;
  readonly reports: readonly Report[];
}

/** The machine that figures are of, in one line. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  return `${availableParallelism()} × ${model}, ${gigabytes} GiB, Linux ${release()}, Node ${process.version}`;
}

/** Reads an earlier run; what is not compared is not read. Throws when the file is none. */
export function readEarlierRun(file: string): z.infer<typeof documentSchema> {
  const parsed = documentSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${file} is not what \`npm run bench -- --json\` printed: ${parsed.error.message}`);
}

/** Medians of an earlier run beside those of this one, row by row; rows that only one has are left out. */
export function comparisonLines(
  earlier: z.infer<typeof documentSchema>,
  now: RunDocument,
): readonly string[] {
  const rows = now.reports.flatMap((report) =>
    report.rows.flatMap((row) => {
      const before = earlier.reports
        .find(({ benchmark }) => benchmark === report.benchmark)
        ?.rows.find(({ name, unit }) => name === row.name && unit === row.unit);
      if (before === undefined) return [];
      const [was, is] = [summarise(before.samples).median, summarise(row.samples).median];
      return [[`${report.benchmark}: ${row.name}`, figure(was), figure(is), row.unit, (is / was).toFixed(2)]];
    }),
  );
  return [
    `compared with the run of ${earlier.at} (${earlier.machine})`,
    ...textTable([['', 'before', 'now', 'unit', 'ratio'], ...rows]),
  ];
}
