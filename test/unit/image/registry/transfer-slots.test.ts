import { describe, expect, it } from 'vitest';
import { TransferSlots } from '../../../../src/image/registry/transfer-slots.ts';

const { signal } = new AbortController();

/** Asks for slots and notes in which order they are given. */
class Asking {
  readonly given: string[] = [];
  readonly #slots: TransferSlots;
  readonly #held = new Map<string, Disposable>();

  constructor(total: number, perRegistry: number) {
    this.#slots = new TransferSlots({ total, perRegistry });
  }

  async ask(registry: string, owner: object, name: string, within = signal, rank = 0): Promise<void> {
    const asked = this.#slots.take({ registry, owner, rank }, { signal: within }).then((slot) => {
      this.given.push(name);
      this.#held.set(name, slot);
    });
    await Promise.race([asked, new Promise(setImmediate)]);
  }

  async giveBack(name: string): Promise<void> {
    this.#held.get(name)?.[Symbol.dispose]();
    await new Promise(setImmediate);
  }
}

describe('transfers', () => {
  it('are as many as are allowed in all, and for one registry', async () => {
    const asking = new Asking(3, 2);
    const pull = {};
    for (const [registry, name] of [
      ['a', 'a1'],
      ['a', 'a2'],
      ['a', 'a3'],
      ['b', 'b1'],
      ['b', 'b2'],
    ] as const)
      await asking.ask(registry, pull, name);
    expect(asking.given).toEqual(['a1', 'a2', 'b1']);
    await asking.giveBack('b1');
    expect(asking.given).toEqual(['a1', 'a2', 'b1', 'b2']);
    await asking.giveBack('a1');
    expect(asking.given.at(-1)).toBe('a3');
  });

  it('of a small image do not wait behind all of a large one', async () => {
    const asking = new Asking(2, 2);
    const [large, small] = [{}, {}];
    for (const n of [1, 2, 3, 4]) await asking.ask('a', large, `large${n}`);
    await asking.ask('a', small, 'small');
    await asking.giveBack('large1');
    expect(asking.given).toEqual(['large1', 'large2', 'small']);
  });

  it('of lower layers go before those of higher ones of the same image, not of another', async () => {
    const asking = new Asking(1, 1);
    const [pull, other] = [{}, {}];
    for (const [owner, name, rank] of [
      [other, 'first', 0],
      [pull, 'high', 3],
      [other, 'second', 0],
      [pull, 'low', 1],
      [pull, 'low too', 1],
    ] as const)
      await asking.ask('a', owner, name, signal, rank);
    for (const name of ['first', 'low', 'low too', 'high']) await asking.giveBack(name);
    expect(asking.given).toEqual(['first', 'low', 'low too', 'high', 'second']);
  });

  it('that nobody wants any more give up their place', async () => {
    const asking = new Asking(1, 1);
    const left = new AbortController();
    await asking.ask('a', {}, 'first');
    const waiting = asking.ask('a', {}, 'second', left.signal).catch(() => undefined);
    await asking.ask('a', {}, 'third');
    left.abort(new Error('gone'));
    await waiting;
    await asking.giveBack('first');
    expect(asking.given).toEqual(['first', 'third']);
  });

  it('given back twice count once', async () => {
    const asking = new Asking(1, 1);
    for (const name of ['first', 'second', 'third']) await asking.ask('a', {}, name);
    await asking.giveBack('first');
    await asking.giveBack('first');
    expect(asking.given).toEqual(['first', 'second']);
  });
});
