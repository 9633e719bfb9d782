import { isMet, type Ratio, type Report, type Row, ratiosOf, summarise } from './report.ts';

const HEAD = ['', 'n', 'median', 'p95', 'min', 'max', 'unit', 'against'] as const;

/** The report as lines of text. */
export function reportLines(report: Report): readonly string[] {
  return [report.title, ...textTable([HEAD, ...cellsOf(report)]), ...notesOf(report)];
}

/** The report as Markdown below a heading of its name. */
export function reportMarkdown(report: Report): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const ruler = HEAD.map((name) => (name === '' || name === 'unit' || name === 'against' ? '---' : '--:'));
  const notes = notesOf(report);
  return [
    `## ${report.benchmark}`,
    '',
    `${report.title}.`,
    '',
    line(HEAD),
    line(ruler),
    ...cellsOf(report).map(line),
    ...(notes.length === 0 ? [] : ['', '```', ...notes.slice(1), '```']),
  ];
}

/** Columns as wide as their widest cell: the first and those of text to the left, numbers to the right. */
export function textTable(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] ?? '').length)),
  );
  const isText = (column: number) =>
    rows.slice(1).some((cells) => !/^[\d.,%-]*$/.test(cells[column] ?? '')) || column === 0;
  return rows.map((cells) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isText(column) ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Three significant digits, and no fraction where the number is large. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function cellsOf(report: Report): readonly (readonly string[])[] {
  return report.rows.map((row) => {
    const { median, p95, min, max } = summarise(row.samples);
    const figures = [median, p95, min, max].map(figure);
    return [row.name, String(row.samples.length), ...figures, row.unit, againstOf(report, row, median)];
  });
}

function againstOf(report: Report, row: Row, median: number): string {
  const own =
    row.aim === undefined
      ? []
      : [`aim ${sign(row)} ${figure(row.aim)} ${row.unit}: ${verdict(isMet(row, median, row.aim))}`];
  return [...own, ...ratiosOf(report, row).map((ratio) => sayRatio(row, ratio))].join('; ');
}

function sayRatio(row: Row, { of, value, aim, met }: Ratio): string {
  const aimed = aim === undefined ? '' : ` (aim ${sign(row)} ${aim}: ${verdict(met === true)})`;
  return `${value.toFixed(2)} × ${of}${aimed}`;
}

const sign = ({ better = 'less' }: Row) => (better === 'less' ? '≤' : '≥');
const verdict = (met: boolean) => (met ? 'met' : 'missed');

function notesOf({ notes = [] }: Report): readonly string[] {
  return notes.length === 0 ? [] : ['', ...notes];
}
