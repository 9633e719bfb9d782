import { expect, test } from 'vitest';
import { forgetOld } from '../../../src/control-plane/retention.ts';
import { DEFAULT_SETTINGS } from '../../../src/control-plane/settings.ts';
import { State } from '../../../src/control-plane/state/state.ts';
import { makeScratch } from '../../support/scratch.ts';
import { definition, taskRecord } from './records.ts';

const HOUR_MS = 3_600_000;

test('STOPPED tasks are forgotten after an hour, client tokens after a day, live tasks never', async () => {
  await using scratch = makeScratch();
  const state = new State(scratch.directory);
  const put = (taskArn: string, stoppedAt: number | undefined) =>
    state.tasks.put(taskArn, taskRecord(definition(), { taskArn, stoppedAt }));
  const now = 100 * HOUR_MS;
  state.transaction(() => {
    put('live', undefined);
    put('old', now - HOUR_MS);
    put('recent', now - HOUR_MS + 1);
    for (const hours of [23, 24]) {
      const token = `t${hours}`;
      state.tokens.put(token, { token, fingerprint: '', arns: [], createdAt: now - hours * HOUR_MS });
    }
  });
  forgetOld(state, DEFAULT_SETTINGS, now);
  expect(state.tasks.values().map(({ taskArn }) => taskArn)).toEqual(['live', 'recent']);
  expect(state.tokens.values().map(({ token }) => token)).toEqual(['t23']);
  state.close();
});
