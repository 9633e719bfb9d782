/** What one benchmark found: a table, and lines to be read beside it. */
export interface Report {
  readonly benchmark: string;
  readonly title: string;
  readonly rows: readonly Row[];
  /** Printed below the table, e.g. another table; not compared. */
  readonly notes?: readonly string[];
}

/** One contender and everything that was measured of it. */
export interface Row {
  readonly name: string;
  /** Of the samples: `ms`, `MiB`, `MB/s`. */
  readonly unit: string;
  /** In the order in which they were taken; at least one. */
  readonly samples: readonly number[];
  /** Default: less. */
  readonly better?: 'less' | 'more';
  /** What the median is to be at most, or with `better: 'more'` at least. */
  readonly aim?: number;
  /** Rows of the same report that the median is shown against, their aims as ratios. */
  readonly against?: readonly { readonly row: string; readonly aim?: number }[];
}

export interface Summary {
  readonly median: number;
  readonly p95: number;
  readonly min: number;
  readonly max: number;
}

/** Of at least one sample. The p95 is the smallest sample that 95 % of all do not exceed. */
export function summarise(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[Math.min(Math.max(index, 0), sorted.length - 1)] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    p95: at(Math.ceil(sorted.length * 0.95) - 1),
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** A median divided by another row's, and whether that is as aimed at; undefined where nothing was aimed at. */
export interface Ratio {
  readonly of: string;
  readonly value: number;
  readonly aim?: number;
  readonly met?: boolean;
}

/** Throws when a row is named that the report does not have. */
export function ratiosOf({ rows, benchmark }: Report, row: Row): readonly Ratio[] {
  const { median } = summarise(row.samples);
  return (row.against ?? []).map(({ row: name, aim }) => {
    const other = rows.find((candidate) => candidate.name === name);
    if (other === undefined) throw new Error(`${benchmark}: there is no row "${name}"`);
    const value = median / summarise(other.samples).median;
    return { of: name, value, ...(aim !== undefined && { aim, met: isMet(row, value, aim) }) };
  });
}

/** Whether a value is as good as aimed at. */
export function isMet({ better = 'less' }: Row, value: number, aim: number): boolean {
  return better === 'less' ? value <= aim : value >= aim;
}
