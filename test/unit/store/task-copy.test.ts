import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeTaskCopy, parseTaskCopy, type TaskCopy } from '../../../src/store/task-copy.ts';
import { sampleTask } from './sample-task.ts';

const copy: TaskCopy = {
  at: 1_767_225_600_000,
  meta: new Map([
    ['container-instance-arn', 'arn:aws:ecs:us-west-2:123456789012:container-instance/default/1'],
    ['boot-id', 'b'],
  ]),
  task: sampleTask('1'),
};

describe('the copy of a task that its containers carry', () => {
  it('gives back what was put in, in a few hundred bytes', () => {
    const bytes = encodeTaskCopy(copy);
    expect(parseTaskCopy(bytes)).toEqual(copy);
    expect(bytes.length).toBeLessThan(1_500);
  });

  it.each([
    ['nonsense', Buffer.from('nonsense')],
    ['text that is no record', gzipSync('{"v":1}')],
    ['a newer version', gzipSync(JSON.stringify({ v: 2, at: 1, meta: {}, task: '', containers: [] }))],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseTaskCopy(bytes)).toThrow();
  });
});
