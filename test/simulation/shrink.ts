import { Choices } from './choices.ts';
import type { EngineRules } from './engine-rules.ts';
import { History } from './history.ts';
import type { Violation } from './watch.ts';

/** The smallest history found that breaks the same invariant. */
export interface Shrunk {
  readonly choices: readonly number[];
  /** Absent: the history is sound, and not shrunk. */
  readonly violation?: Violation;
  readonly trace: readonly string[];
}

/** Tries that are made to get it smaller. */
const MOST_TRIES = 3000;

/** Makes a failing history small: leaves out choices, and makes them tamer. A sound one is only told. */
export function shrink(seed: number, rules: EngineRules): Shrunk {
  const first = run(Choices.fromSeed(seed), rules);
  if (first.violation === undefined) return traced(first.choices, rules);
  const { invariant } = first.violation;
  let best = first.choices;
  let tries = 0;
  const attempt = (list: readonly number[]): boolean => {
    if (tries >= MOST_TRIES) return false;
    tries += 1;
    const { violation, choices } = run(Choices.replay(list), rules);
    if (violation?.invariant !== invariant || !isSmaller(choices, best)) return false;
    best = choices;
    return true;
  };
  for (let before: readonly number[] | undefined; before !== best && tries < MOST_TRIES; ) {
    before = best;
    for (let size = 2 ** Math.floor(Math.log2(best.length)); size >= 1; size = Math.floor(size / 2))
      for (let at = best.length - size; at >= 0; at -= size) {
        if (attempt(best.toSpliced(at, size))) continue;
        if (best.slice(at, at + size).some((choice) => choice > 0))
          attempt(best.with(at, 0).map((choice, i) => (i > at && i < at + size ? 0 : choice)));
      }
    for (let at = 0; at < best.length; at += 1) {
      const choice = best[at] ?? 0;
      if (choice > 1 && !attempt(best.with(at, 1))) attempt(best.with(at, choice - 1));
    }
  }
  return traced(best, rules);
}

/** Tells a history from first to last event. */
function traced(choices: readonly number[], rules: EngineRules): Shrunk {
  const trace: string[] = [];
  const { violation } = new History(Choices.replay(choices), rules, (line) => trace.push(line)).run();
  return { choices, trace, ...(violation !== undefined && { violation }) };
}

function run(choices: Choices, rules: EngineRules) {
  const { violation } = new History(choices, rules).run();
  return { violation, choices: withoutTail(choices.taken) };
}

/** A list that has ended chooses 0 anyway. */
function withoutTail(choices: readonly number[]): readonly number[] {
  return choices.slice(0, choices.findLastIndex((choice) => choice > 0) + 1);
}

function isSmaller(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return a.length < b.length;
  for (const [i, choice] of a.entries()) if (choice !== b[i]) return choice < (b[i] ?? 0);
  return false;
}
