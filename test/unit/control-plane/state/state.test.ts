import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { State } from '../../../../src/control-plane/state/state.ts';
import { makeScratch, type Scratch } from '../../../support/scratch.ts';

let scratch: Scratch;
let directory: string;
beforeEach(() => {
  scratch = makeScratch();
  directory = scratch.directory;
});
afterEach(() => scratch.remove());

const cluster = (clusterName: string) => ({
  clusterArn: `arn:${clusterName}`,
  clusterName,
  status: 'ACTIVE' as const,
  tags: [],
});

function add(state: State, ...names: string[]): void {
  state.transaction(() => {
    for (const name of names) state.clusters.put(name, cluster(name));
  });
}

test('records and their order survive a restart', () => {
  const state = new State(directory);
  add(state, 'c', 'a', 'b');
  state.transaction(() => state.clusters.put('a', { ...cluster('a'), status: 'INACTIVE' }));
  state.transaction(() => state.clusters.delete('c'));
  state.close();
  const again = new State(directory);
  expect(again.clusters.values()).toEqual([{ ...cluster('a'), status: 'INACTIVE' }, cluster('b')]);
  again.close();
});

test('a transaction that fails changes neither memory nor disk', () => {
  const state = new State(directory);
  add(state, 'a', 'b');
  expect(() =>
    state.transaction(() => {
      state.clusters.put('a', { ...cluster('a'), status: 'INACTIVE' });
      state.clusters.delete('b');
      state.clusters.put('c', cluster('c'));
      throw new Error('refused');
    }),
  ).toThrow('refused');
  const expected = [cluster('a'), cluster('b')];
  expect(new Set(state.clusters.values())).toEqual(new Set(expected));
  state.close();
  const again = new State(directory);
  expect(again.clusters.values()).toEqual(expected);
  again.close();
});

test('a second control plane cannot open the same state', () => {
  const state = new State(directory);
  expect(() => new State(directory)).toThrow('Cannot open the state');
  state.close();
});

test('a record is changed inside a transaction only', () => {
  const state = new State(directory);
  expect(() => state.clusters.put('a', cluster('a'))).toThrow('outside a transaction');
  expect(state.clusters.values()).toEqual([]);
  state.close();
});

test('state of a newer version is left alone', () => {
  new State(directory).close();
  const database = new DatabaseSync(join(directory, 'control-plane.sqlite'));
  database.exec('PRAGMA user_version = 2');
  database.close();
  expect(() => new State(directory)).toThrow('newer version');
});
