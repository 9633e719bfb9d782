import { describe, expect, test } from 'vitest';
import { coverageOf, renderCoverage } from '../../../scripts/spec-coverage/coverage.ts';
import { idsOfTestName, parseChecklists, parseDeferrals } from '../../../scripts/spec-coverage/ids.ts';

const CHECKLISTS = parseChecklists('x.md', ['- XX-01 a', '- XX-02 b', '- XX-03 c', '- XX-04 d'].join('\n'));

describe('checklists', () => {
  test.each([
    '12. ABC-07 A numbered item.',
    '- ABC-7 A bullet.',
    '* ABC-007 Another bullet.',
    '- [ ] ABC-7 A box.',
    '- [x] ABC-7 A ticked box.',
    '- **ABC-07** A bold id.',
    'ABC-7 a bare line.',
  ])('"%s" defines ABC-7', (line) => {
    expect(parseChecklists('x.md', line)).toEqual([{ file: 'x.md', prefix: 'ABC', ids: ['ABC-7'] }]);
  });

  test.each(['See ABC-7 for more.', '| ABC-7 | cell |', 'sha256 is SHA-256'])(
    '"%s" defines nothing',
    (line) => {
      expect(parseChecklists('x.md', line)).toEqual([]);
    },
  );

  test('a file with two prefixes has two checklists, and an id that is there twice counts once', () => {
    expect(parseChecklists('x.md', '1. AB-1 a\n2. AB-2 b\n1. CD-1 c\n- AB-01 again')).toEqual([
      { file: 'x.md', prefix: 'AB', ids: ['AB-1', 'AB-2'] },
      { file: 'x.md', prefix: 'CD', ids: ['CD-1'] },
    ]);
  });
});

describe('ids of a test name', () => {
  test.each([
    ['at its end', 'acks at once (AB-12)', ['AB-12']],
    ['several, with zeros', 'acks at once (AB-012, CD-1)', ['AB-12', 'CD-1']],
    ['before a row of a table', 'acks at once (AB-12): no body', ['AB-12']],
    ['none', 'acks at once', []],
    ['one outside brackets', 'sends AB-12 on its way', []],
    ['one in a remark', 'acks (see AB-12) at once', []],
    ['behind other brackets', 'reads (a) and (b) (AB-4)', ['AB-4']],
  ])('%s', (_, name, ids) => {
    expect(idsOfTestName(name)).toEqual(ids);
  });
});

describe('coverage', () => {
  const file = 'x.test.ts';

  test('an id is proven by a test that passed, unless another that names it failed', () => {
    const coverage = coverageOf(CHECKLISTS, parseDeferrals('| XX-3 | needs a GPU |'), [
      { file, name: 'one (XX-1)', state: 'passed' },
      { file, name: 'two (XX-2)', state: 'passed' },
      { file, name: 'two elsewhere (XX-2)', state: 'failed' },
      { file, name: 'four (XX-4)', state: 'skipped' },
    ]);
    expect(coverage).toEqual({
      errors: [],
      checklists: [
        { file: 'x.md', prefix: 'XX', proven: ['XX-1'], deferred: ['XX-3'], missing: ['XX-2', 'XX-4'] },
      ],
    });
    expect(renderCoverage(coverage, { missing: true })).toEqual([
      'x.md XX 1 of 4',
      '  XX-2 XX-4',
      'deferred 1, see docs/spec/deferred.md',
      'proven 1 of 4',
    ]);
    expect(renderCoverage(coverage, { missing: false })).not.toContain('  XX-2 XX-4');
  });

  test.each([
    ['a name with four ids', 'all (XX-1, XX-2, XX-3, XX-4)', '', 'claims 4 ids'],
    ['an id of a known prefix that no checklist has', 'nine (XX-9)', '', 'claims XX-9'],
    ['an id both proven and deferred', 'one (XX-1)', '| XX-1 | later |', 'XX-1 is proven'],
    ['a deferral without a reason', 'one', '| XX-1 | |', 'XX-1 has no reason'],
    ['a deferral of an unknown id', 'one', '| XX-9 | later |', 'has XX-9'],
    ['an id deferred twice', 'one', '| XX-1 | later |\n| XX-01 | never |', 'XX-1 is there twice'],
  ])('%s is an error', (_, name, deferrals, message) => {
    const tests = [{ file, name, state: 'passed' } as const];
    const { errors } = coverageOf(CHECKLISTS, parseDeferrals(deferrals), tests);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(message);
  });

  test('words that only look like ids are neither proven nor wrong', () => {
    const tests = [{ file, name: 'hashes bodies (SHA-256)', state: 'passed' } as const];
    expect(coverageOf(CHECKLISTS, [], tests).errors).toEqual([]);
  });

  test('a row of the deferred table may name several ids; its head and rule name none', () => {
    expect(parseDeferrals('| id | reason |\n|---|---|\n| XX-01, XX-2 | needs EC2 |')).toEqual([
      { id: 'XX-1', reason: 'needs EC2' },
      { id: 'XX-2', reason: 'needs EC2' },
    ]);
  });
});
