import { describe, expect, it } from 'vitest';
import { isFullRun, testSeed } from '../support/sample.ts';
import { Choices } from './choices.ts';
import { History } from './history.ts';
import { PLANTED_BUGS, SOUND_RULES } from './planted-bugs.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

const SEED = testSeed();
const HISTORIES = isFullRun() ? 150_000 : 100_000;
/** Within so many histories a planted bug has to be found. */
const TO_FIND = 10_000;

/** The first seed from `seed` on whose history breaks under the rules. */
function findFailure(rules: typeof SOUND_RULES, seed: number): number | undefined {
  for (let at = seed; at < seed + TO_FIND; at += 1)
    if (new History(Choices.fromSeed(at), rules).run().violation !== undefined) return at;
  return undefined;
}

describe(`random histories of a task, from seed ${SEED} on`, () => {
  it(`break no invariant in ${HISTORIES} of them (ENG-12, ENG-78, ENG-137)`, {
    timeout: 3_600_000,
  }, async () => {
    const result = await simulate({ seed: SEED, histories: HISTORIES });
    const [failed] = result.failedSeeds;
    if (failed !== undefined) {
      const { trace, violation } = shrink(failed, SOUND_RULES);
      throw new Error(
        `seeds ${result.failedSeeds.join(' ')} fail; npm run simulate -- --seed ${failed} --only, shrunk:\n` +
          `${trace.join('\n')}\n${violation?.message}`,
      );
    }
    expect(result.histories).toBe(HISTORIES);
    expect(result.medianEvents).toBeGreaterThanOrEqual(30);
    expect(result.medianContainers).toBeGreaterThanOrEqual(2);
  });

  it('are the same again from the same seed', () => {
    const tell = (seed: number) => {
      const lines: string[] = [];
      new History(Choices.fromSeed(seed), SOUND_RULES, (line) => lines.push(line)).run();
      return lines;
    };
    for (let seed = SEED; seed < SEED + 200; seed += 1) {
      expect(tell(seed).length).toBeGreaterThan(0);
      expect(tell(seed)).toEqual(tell(seed));
    }
  });
});

describe(`a bug that is planted in the engine is found, from seed ${SEED} on:`, () => {
  it('there are at least ten', () => {
    expect(Object.keys(PLANTED_BUGS).length).toBeGreaterThanOrEqual(10);
  });

  it.each(Object.entries(PLANTED_BUGS))('%s', { timeout: 300_000 }, (_, rules) => {
    expect(findFailure(rules, SEED)).toBeDefined();
  });

  it('and its history is shrunk to a few choices that break the same', { timeout: 300_000 }, () => {
    const rules = PLANTED_BUGS['a container that is to stop counts as stopped'] ?? SOUND_RULES;
    const seed = findFailure(rules, SEED);
    if (seed === undefined) throw new Error('not found');
    const before = new History(Choices.fromSeed(seed), rules).run();
    const { choices, violation, trace } = shrink(seed, rules);
    expect(violation?.invariant).toBe(before.violation?.invariant);
    expect(new History(Choices.replay(choices), rules).run().violation?.message).toBe(violation?.message);
    expect(choices.length).toBeLessThan(60);
    expect(trace.join('\n')).toContain('stored: task');
  });
});
