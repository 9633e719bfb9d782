import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { reportMarkdown } from './print-report.ts';
import type { RunDocument } from './run-document.ts';

/**
 * Puts each report in place of the one of the same benchmark. What stands by hand below `### Remarks` at the end of a
 * section stays; everything else between reports goes.
 */
export function writePerformanceDocument(file: string, run: RunDocument): void {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  writeFileSync(file, mergedDocument(text, run));
}

const REMARKS = /^### Remarks$.*/ms;
const INTRODUCTION = [
  '# Performance',
  '',
  'Written by `npm run bench -- NAME --document`: every table is what one run printed, floors and contenders',
  'measured in turn on one machine. Compare ratios, not milliseconds; measure yours with `npm run bench`. Remarks are',
  'written by hand and stay when the tables are written anew.',
];

/** Sections stay in the order in which they came first. */
export function mergedDocument(text: string, { machine, at, reports }: RunDocument): string {
  const sections = new Map(
    text
      .split(/^(?=## )/m)
      .slice(1)
      .map((section) => [/^## (.+)$/m.exec(section)?.[1] ?? '', section.trimEnd()]),
  );
  for (const report of reports) {
    const [heading = '', ...rest] = reportMarkdown(report);
    const table = [heading, '', `${at.slice(0, 10)}, on ${machine}.`, ...rest].join('\n');
    const remarks = REMARKS.exec(sections.get(report.benchmark) ?? '')?.[0];
    sections.set(report.benchmark, remarks === undefined ? table : `${table}\n\n${remarks}`);
  }
  return `${[INTRODUCTION.join('\n'), ...sections.values()].join('\n\n')}\n`;
}
