import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  containerRecordFormat,
  fromRecords,
  reportRecordFormat,
  taskRecordFormat,
  toRecords,
} from '../../../src/store/task-record.ts';
import { versionedRecord } from '../../../src/store/versioned-record.ts';
import { anyReport, anyTask, sampleReport, sampleTask } from './sample-task.ts';

test('gives back every task exactly as it was written', () => {
  fc.assert(
    fc.property(anyTask, (task) => {
      const records = toRecords(task);
      const containers = records.containers
        .map((container) => containerRecordFormat.parse(containerRecordFormat.encode(container)))
        .map((container) => [container.name, container] as const);
      const record = taskRecordFormat.parse(taskRecordFormat.encode(records.task));
      expect(fromRecords(record, new Map(containers))).toEqual(task);
    }),
  );
});

test('gives back every report exactly as it was written', () => {
  fc.assert(
    fc.property(anyReport, (report) => {
      expect(reportRecordFormat.parse(reportRecordFormat.encode(report))).toEqual(report);
    }),
  );
});

test('lets members pass that it does not know', () => {
  const report = sampleReport('t1', 'r');
  expect(reportRecordFormat.parse(JSON.stringify({ v: 1, ...report, later: { a: 1 } }))).toEqual(report);
});

test.each([
  ['no JSON', '{"v":1,', /JSON/],
  ['no object', '7', /expected object/i],
  ['no version', '{"task":"x"}', /v/],
  ['a member of another type', JSON.stringify({ v: 1, ...sampleReport('t1', 'r'), reason: 5 }), /reason/],
  ['a missing member', JSON.stringify({ v: 1, task: 'x' }), /status/],
  ['a newer version', JSON.stringify({ v: 2, ...sampleReport('t1', 'r') }), /version 2 is newer/],
])('refuses a record with %s and says what is wrong', (_, text, error) => {
  expect(() => reportRecordFormat.parse(text)).toThrow(error);
});

test('says which container of a task is missing', () => {
  const { task } = toRecords(sampleTask('t1'));
  expect(() => fromRecords(task, new Map())).toThrow('"app"');
});

test('lifts a record of every older version to the present one', () => {
  const format = versionedRecord(z.object({ name: z.string(), tries: z.int() }), [
    ({ title, ...rest }) => ({ ...rest, name: title }),
    (members) => ({ ...members, tries: 0 }),
  ]);
  expect(format.parse('{"v":1,"title":"a"}')).toEqual({ name: 'a', tries: 0 });
  expect(format.parse('{"v":2,"name":"a"}')).toEqual({ name: 'a', tries: 0 });
  expect(format.parse('{"v":3,"name":"a","tries":4}')).toEqual({ name: 'a', tries: 4 });
  expect(JSON.parse(format.encode({ name: 'a', tries: 1 }))).toEqual({ v: 3, name: 'a', tries: 1 });
});
