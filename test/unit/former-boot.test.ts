import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { endFormerBoot } from '../../src/former-boot.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { containerSpec, RULES, START, TaskStory, taskSpec } from './task/task-story.ts';

const logger = pino({ level: 'silent' });

async function storeOf(bootId: string | undefined): Promise<Store> {
  const store = memoryStore();
  const { state } = new TaskStory(taskSpec([containerSpec('main')])).run('main');
  await store.commit([
    { kind: 'putTask', task: state },
    ...(bootId === undefined ? [] : [{ kind: 'putMeta', key: 'boot-id', value: bootId } as const]),
  ]);
  return store;
}
const boot = { id: 'second', runtimeRemembers: false, now: START };

describe('a start of the agent', () => {
  it('after a restart of the host ends what ran, once, and remembers the boot with it', async () => {
    const store = await storeOf('first');
    const goneOn = await endFormerBoot(store, await store.load(), boot, RULES, logger);
    expect(goneOn.tasks.map(({ known }) => known)).toEqual(['STOPPED']);
    expect(goneOn.outbox.map(({ report }) => report.status)).toEqual(['STOPPED']);
    const stored = await store.load();
    expect(stored.meta.get('boot-id')).toBe('second');
    expect(stored.tasks).toEqual(goneOn.tasks);
    expect(stored.outbox).toEqual(goneOn.outbox);
    expect(await endFormerBoot(store, stored, boot, RULES, logger)).toBe(stored);
  });

  it('ends nothing in the same boot, in the first of all, and where the runtime tells by itself', async () => {
    for (const [former, runtimeRemembers] of [
      ['second', false],
      [undefined, false],
      ['first', true],
    ] as const) {
      const store = await storeOf(former);
      const stored = await store.load();
      const goneOn = await endFormerBoot(store, stored, { ...boot, runtimeRemembers }, RULES, logger);
      expect(goneOn.tasks.map(({ known }) => known)).toEqual(['RUNNING']);
      expect((await store.load()).meta.get('boot-id')).toBe('second');
    }
  });
});
