import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TaskRecord } from '../../../../src/control-plane/state/records.ts';
import {
  applyTaskReport,
  stopRequested,
  withHealth,
} from '../../../../src/control-plane/tasks/task-report.ts';
import { submitTaskStateChangeSchema, type TaskStateChange } from '../../../../src/wire/ecs-api.ts';
import { definition, taskRecord } from '../records.ts';

const task = taskRecord(
  definition({
    containerDefinitions: [
      { name: 'app', image: 'i', memory: 4 },
      { name: 'side', image: 'i', memory: 4, essential: false },
    ],
  }),
);

/** Applies the reports in order, one a second from 1 s on. */
function reported(reports: readonly TaskStateChange[], from: TaskRecord = task): TaskRecord {
  return reports.reduce((seen, report, index) => applyTaskReport(seen, report, (index + 1) * 1000), from);
}

const pending: TaskStateChange = {
  status: 'PENDING',
  reason: '',
  containers: [{ containerName: 'app', status: 'PENDING', imageDigest: 'sha256:1' }],
};
const running: TaskStateChange = {
  status: 'RUNNING',
  reason: '',
  pullStartedAt: 0.5,
  pullStoppedAt: 0.75,
  containers: [
    { containerName: 'app', status: 'RUNNING', runtimeId: 'r1' },
    { containerName: 'side', status: 'RUNNING', runtimeId: 'r2' },
  ],
};
const stopped: TaskStateChange = {
  status: 'STOPPED',
  reason: '',
  executionStoppedAt: 2.5,
  containers: [
    { containerName: 'app', status: 'STOPPED', exitCode: 3, reason: 'OutOfMemoryError: x' },
    { containerName: 'side', status: 'STOPPED', exitCode: 0 },
  ],
};

describe('applyTaskReport', () => {
  test('a task goes PENDING, RUNNING, STOPPED with its times, digests, ids and exit codes', () => {
    expect(reported([pending]).lastStatus).toBe('PENDING');
    const ran = reported([pending, running]);
    expect(ran).toMatchObject({ lastStatus: 'RUNNING', startedAt: 2000, connectedAt: 1000, version: 3 });
    expect(ran.containers[0]).toMatchObject({
      imageDigest: 'sha256:1',
      runtimeId: 'r1',
      lastStatus: 'RUNNING',
    });
    expect(reported([pending, running, stopped])).toMatchObject({
      lastStatus: 'STOPPED',
      desiredStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      pullStartedAt: 0.5,
      pullStoppedAt: 0.75,
      executionStoppedAt: 2.5,
      stoppedAt: 3000,
      containers: [
        { name: 'app', lastStatus: 'STOPPED', exitCode: 3, reason: 'OutOfMemoryError: x' },
        { name: 'side', lastStatus: 'STOPPED', exitCode: 0 },
      ],
    });
  });

  test.each([
    ['', 'Task failed to start'],
    ['resource cannot be initialized', 'resource cannot be initialized'],
  ])('a task that never ran failed to start, report reason %j', (reason, stoppedReason) => {
    expect(reported([pending, { ...stopped, reason }])).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason,
    });
  });

  test('a STOPPED report without containers ends them all', () => {
    const refused = reported([{ status: 'STOPPED', reason: 'UnrecogniedTaskError: x' }]);
    expect(refused.containers.map(({ lastStatus }) => lastStatus)).toEqual(['STOPPED', 'STOPPED']);
    expect(refused.stoppedReason).toBe('UnrecogniedTaskError: x');
  });

  test('a stop by the user keeps its code and reason', () => {
    const stopping = stopRequested(reported([running]), 'enough', 5000);
    expect(stopping).toMatchObject({ desiredStatus: 'STOPPED', stoppingAt: 5000, lastStatus: 'RUNNING' });
    expect(reported([stopped], stopping)).toMatchObject({
      stopCode: 'UserInitiated',
      stoppedReason: 'enough',
    });
  });

  test('an essential container that ended makes the task wanted STOPPED, another does not', () => {
    const ended = (containerName: string): TaskStateChange => ({
      status: 'RUNNING',
      containers: [{ containerName, status: 'STOPPED', exitCode: 1 }],
    });
    expect(reported([running, ended('side')]).desiredStatus).toBe('RUNNING');
    expect(reported([running, ended('app')])).toMatchObject({
      desiredStatus: 'STOPPED',
      lastStatus: 'RUNNING',
    });
  });

  test('one container can be RUNNING and STOPPED in one report', () => {
    const both: TaskStateChange = {
      status: 'RUNNING',
      containers: [
        { containerName: 'side', status: 'RUNNING', runtimeId: 'r2' },
        { containerName: 'side', status: 'STOPPED', exitCode: 0 },
      ],
    };
    expect(reported([both]).containers[1]).toMatchObject({
      lastStatus: 'STOPPED',
      exitCode: 0,
      runtimeId: 'r2',
    });
  });

  test('nothing moves backwards and STOPPED is the end', () => {
    expect(reported([running, pending]).lastStatus).toBe('RUNNING');
    expect(reported([running, pending]).containers[0]?.lastStatus).toBe('RUNNING');
    const end = reported([running, stopped]);
    expect(reported([running, pending, stopped], end)).toBe(end);
  });

  test('managed agents are kept by name', () => {
    const report: TaskStateChange = {
      status: 'RUNNING',
      managedAgents: [
        { containerName: 'app', managedAgentName: 'ExecuteCommandAgent', status: 'RUNNING', reason: 'up' },
      ],
    };
    expect(reported([report]).containers[0]?.managedAgents).toEqual([
      { name: 'ExecuteCommandAgent', lastStatus: 'RUNNING', reason: 'up', lastStartedAt: 1000 },
    ]);
  });
});

test('health changes only what it names', () => {
  expect(withHealth(task, () => undefined)).toBe(task);
  const sick = withHealth(task, (name) => (name === 'app' ? 'UNHEALTHY' : undefined));
  expect(sick.containers.map(({ healthStatus }) => healthStatus)).toEqual(['UNHEALTHY', 'UNKNOWN']);
});

test('recorded reports of a real agent end every task with the exit codes they tell', () => {
  const lines = ['02-run-exit0', '03-stop', '05-depends-on', '08-ports', '09-limits', '11-volumes']
    .flatMap((name) => readFileSync(`test/golden/${name}.jsonl`, 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const payloads = lines.filter(({ type, dir }) => type === 'PayloadMessage' && dir === 'out');
  const reports = lines.filter(({ op, dir }) => op === 'SubmitTaskStateChange' && dir === 'in');
  const tasks = new Map<string, TaskRecord>();
  for (const { arn, containers } of payloads.flatMap(({ message }) => message.tasks)) {
    const containerDefinitions = containers.map(
      (one: { name: string; image: string; essential: boolean }) => ({
        name: one.name,
        image: one.image,
        essential: one.essential,
      }),
    );
    tasks.set(arn, taskRecord(definition({ containerDefinitions }), { taskArn: arn }));
  }
  const told = new Map<string, number>();
  for (const { body } of reports) {
    const report = submitTaskStateChangeSchema.parse(body);
    const known = tasks.get(report.task ?? '');
    if (known === undefined) continue;
    tasks.set(known.taskArn, applyTaskReport(known, report, 1));
    for (const { containerName, exitCode } of report.containers ?? []) {
      if (exitCode !== undefined) told.set(`${known.taskArn} ${containerName}`, exitCode);
    }
  }
  const seen = [...tasks.values()].flatMap(({ taskArn, containers }) =>
    containers.flatMap(({ name, exitCode }) =>
      exitCode === undefined ? [] : [[`${taskArn} ${name}`, exitCode] as const],
    ),
  );
  expect(new Map(seen)).toEqual(told);
  expect(told.size).toBeGreaterThan(20);
});
