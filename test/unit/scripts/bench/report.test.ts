import { describe, expect, it } from 'vitest';
import { interleave } from '../../../../scripts/bench/interleave.ts';
import { reportLines } from '../../../../scripts/bench/print-report.ts';
import { type Report, ratiosOf, summarise } from '../../../../scripts/bench/report.ts';
import { comparisonLines } from '../../../../scripts/bench/run-document.ts';
import { mergedDocument } from '../../../../scripts/bench/write-document.ts';

const report: Report = {
  benchmark: 'start',
  title: 'Starts',
  rows: [
    {
      name: 'ours',
      unit: 'ms',
      samples: [60, 40, 50],
      aim: 45,
      against: [{ row: 'bare', aim: 1.3 }, { row: 'other' }],
    },
    { name: 'bare', unit: 'ms', samples: [40] },
    { name: 'other', unit: 'ms', samples: [100] },
  ],
};
const run = { machine: 'a machine', at: '2026-01-02T03:04:05.000Z', reports: [report] };

describe('a report of a benchmark', () => {
  it('sums up samples in any order', () => {
    expect(summarise([3, 1, 2, 4])).toEqual({ median: 2.5, p95: 4, min: 1, max: 4 });
    expect(summarise(Array.from({ length: 100 }, (_, i) => i + 1))).toMatchObject({ median: 50.5, p95: 95 });
    expect(summarise([7])).toEqual({ median: 7, p95: 7, min: 7, max: 7 });
  });

  it('sets medians against other rows and says whether aims are met', () => {
    expect(reportLines(report)).toEqual([
      'Starts',
      '       n  median   p95   min   max  unit  against',
      'ours   3    50.0  60.0  40.0  60.0  ms    aim ≤ 45.0 ms: missed; 1.25 × bare (aim ≤ 1.3: met); 0.50 × other',
      'bare   1    40.0  40.0  40.0  40.0  ms',
      'other  1     100   100   100   100  ms',
    ]);
  });

  it('takes aims the other way round where more is better', () => {
    const row = { ...report.rows[0], name: 'ours', unit: 'MB/s', samples: [50], better: 'more' } as const;
    expect(ratiosOf(report, { ...row, against: [{ row: 'bare', aim: 2 }] })).toEqual([
      { of: 'bare', value: 1.25, aim: 2, met: false },
    ]);
  });

  it('refuses to be set against a row that is not there', () => {
    const row = { name: 'ours', unit: 'ms', samples: [1], against: [{ row: 'none' }] };
    expect(() => ratiosOf(report, row)).toThrow('start: there is no row "none"');
  });

  it('is compared with an earlier run row by row', () => {
    const before = {
      ...run,
      at: 'yesterday',
      reports: [{ benchmark: 'start', rows: [{ name: 'ours', unit: 'ms', samples: [100] }] }],
    };
    expect(comparisonLines(before, run)).toEqual([
      'compared with the run of yesterday (a machine)',
      '             before   now  unit  ratio',
      'start: ours     100  50.0  ms     0.50',
    ]);
  });

  it('replaces its own section of the document and leaves the others', () => {
    const first = mergedDocument('', { ...run, reports: [report, { ...report, benchmark: 'stop' }] });
    const second = mergedDocument(first, { ...run, reports: [{ ...report, title: 'Quicker starts' }] });
    expect(second.match(/^## .+$/gm)).toEqual(['## start', '## stop']);
    expect(second).toContain('Quicker starts.');
    expect(second.match(/^Starts\.$/gm)).toHaveLength(1);
    expect(second).toContain('2026-01-02, on a machine.');
  });

  it('leaves the remarks of its section', () => {
    const stop = { ...report, benchmark: 'stop' };
    const first = mergedDocument('', { ...run, reports: [report, stop] });
    const remarked = first.replace('\n\n## stop', '\n\n### Remarks\n\nMost of it is the disk.\n\n## stop');
    const second = mergedDocument(remarked, {
      ...run,
      reports: [{ ...report, title: 'Quicker starts' }, stop],
    });
    expect(second.match(/^##+ .+$/gm)).toEqual(['## start', '### Remarks', '## stop']);
    expect(second).toMatch(/Quicker starts\.[\s\S]*### Remarks\n\nMost of it is the disk\.\n\n## stop/);
  });
});

describe('contenders', () => {
  it('are measured in turn, and warm-ups do not count', async () => {
    const calls: string[] = [];
    const contender = (name: string) => ({
      name,
      measure: async (round: number) => {
        calls.push(`${name}${round}`);
        return round;
      },
    });
    const samples = await interleave([contender('a'), contender('b')], { rounds: 2 });
    expect(calls).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
    expect(samples.get('b')).toEqual([1, 2]);
  });
});
