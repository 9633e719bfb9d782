import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createStats } from '../../../src/agent-stats.ts';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import { containerIdOf, taskIdOf } from '../../../src/task/ids.ts';
import type { TaskState } from '../../../src/task/task-state.ts';
import { configOf } from '../config/config-world.ts';
import { sampleContainerState, sampleTask } from '../store/sample-task.ts';
import { TaskApiWorld } from './task-api-world.ts';

const sample = sampleTask('one');
const TASK = {
  ...sample,
  spec: { ...sample.spec, networkMode: 'bridge' as const },
  containers: [{ ...sampleContainerState('app'), createdAt: 1, pid: process.pid }],
};
const SCOPE: EndpointScope = { kind: 'task', taskId: taskIdOf(TASK.spec.arn) };
const ID = containerIdOf(TASK.spec.arn, 'app', 0);

async function ask(env: Record<string, string>, task: TaskState = TASK) {
  const config = await configOf({ env });
  const stats = createStats(config, {
    cores: 1,
    logger: pino({ level: 'silent' }),
    tasks: () => [task],
    keptCounters: undefined,
    keepCounters: async () => {},
  });
  await using api = new TaskApiWorld({ tasks: [task], statistics: stats.statistics });
  const id = api.ids.idOf(task.spec, 'app');
  const reply = async (path: string) => {
    const { status, json } = await api.request(SCOPE, path);
    return [status, json];
  };
  return {
    cycle: stats.metricsCycle(),
    v3: await reply(`/v3/${id}/stats`),
    v4: await reply(`/v4/${id}/stats`),
    v3Task: await reply(`/v3/${id}/task/stats`),
    v4Task: await reply(`/v4/${id}/task/stats`),
  };
}

it('before the first sample there is null in v3, an empty object in v4 (TMDS-38, TMDS-112, OBS-102)', async () => {
  expect(await ask({})).toEqual({
    cycle: [expect.objectContaining({ containers: [] })],
    v3: [200, null],
    v4: [200, {}],
    v3Task: [200, { [ID]: null }],
    v4Task: [200, { [ID]: {} }],
  });
});

it('with metrics switched off nothing is measured, and TCS is told that nothing runs (TMDS-47, TMDS-117, TCS-37)', async () => {
  const text = `Unable to get container stats for: ${ID}`;
  expect(await ask({ ECS_DISABLE_METRICS: 'true' })).toEqual({
    cycle: 'idle',
    v3: [400, text],
    v4: [500, text],
    v3Task: [200, { [ID]: null }],
    v4Task: [200, { [ID]: {} }],
  });
});

it('once the last container has ended there is none in v4, and TCS is told that nothing runs (OBS-69, OBS-103)', async () => {
  const containers = TASK.containers.map((container) => ({ ...container, known: 'STOPPED' as const }));
  const { cycle, v4 } = await ask({}, { ...TASK, known: 'STOPPED', containers });
  expect(cycle).toBe('idle');
  expect(v4).toEqual([500, `Unable to get container stats for: ${ID}`]);
});
