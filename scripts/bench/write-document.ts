import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { reportMarkdown } from './print-report.ts';
import type { RunDocument } from './run-document.ts';

/** Puts each report in place of the one of the same benchmark; what was written between sections by hand goes. */
export function writePerformanceDocument(file: string, run: RunDocument): void {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  writeFileSync(file, mergedDocument(text, run));
}

const INTRODUCTION = [
  '# Performance',
  '',
  'Written by `npm run bench -- NAME --document`: every table is what one run printed, floors and contenders',
  'measured in turn on one machine. Compare ratios, not milliseconds; measure yours with `npm run bench`.',
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
    sections.set(report.benchmark, [heading, '', `${at.slice(0, 10)}, on ${machine}.`, ...rest].join('\n'));
  }
  return `${[INTRODUCTION.join('\n'), ...sections.values()].join('\n\n')}\n`;
}
