import { closeSync, openSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogLine, readLogs } from '../../src/container-log/read-logs.ts';
import { containerId } from '../../src/task/ids.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { until } from '../support/until.ts';

/** Numbered lines, fifty a second, until SIGTERM. */
const COUNTER = 'trap "exit 0" TERM; i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.02; done';

describe('the output of containers', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start({ agentEnv: { ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '5s' } });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  const linesOf = async (runtimeId: string): Promise<readonly LogLine[]> => {
    const lines: LogLine[] = [];
    for await (const line of readLogs({ dataDir: world.scratch.path('data'), id: containerId(runtimeId) }))
      lines.push(line);
    return lines;
  };

  it('goes on while the agent is dead, without a gap, a loss or a double', async () => {
    await world.register('counter', COUNTER, { memory: 16 });
    const arns = await world.run('counter');
    const [running] = await world.reach('RUNNING', arns);
    const id = running?.containers[0]?.runtimeId ?? '';
    await until(async () => (await linesOf(id)).length > 20, { what: 'there are lines' });
    const before = (await linesOf(id)).length;
    await world.agent.kill('SIGKILL');
    await until(async () => (await linesOf(id)).length > before + 60, {
      what: 'more lines while the agent is dead',
    });
    await world.agent.start();
    await world.stop(arns[0] ?? '');
    const [stopped] = await world.reach('STOPPED', arns);
    expect(stopped?.containers[0]?.exitCode).toBe(0);
    await until(
      async () =>
        (await world.agent.ask())?.tasks.every((task) => task.containers.every((c) => c.logComplete)) ===
        true,
      { what: 'the log is complete' },
    );
    const lines = await linesOf(id);
    expect(lines.map((line) => line.text)).toEqual(lines.map((_, index) => `line ${index + 1}`));
    const times = lines.map((line) => Date.parse(line.time));
    const widest = Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time)));
    // The container was never held up: its lines were read as they came, with or without an agent.
    expect(widest).toBeLessThan(2_000);
    await world.expectClean();
  }, 90_000);

  it('keeps both streams and what came right before the end', async () => {
    await world.register('streams', 'echo out; echo err >&2; printf "no newline at the end"', { memory: 16 });
    const [task] = await world.reach('STOPPED', await world.run('streams'));
    const id = task?.containers[0]?.runtimeId ?? '';
    const lines = await until(
      async () => {
        const found = await linesOf(id);
        return found.length === 3 && found;
      },
      { what: 'all three lines are there' },
    );
    expect(lines.map((line) => [line.stream, line.text])).toEqual(
      expect.arrayContaining([
        ['stdout', 'out'],
        ['stderr', 'err'],
        ['stdout', 'no newline at the end'],
      ]),
    );
    await world.expectClean();
  }, 60_000);

  it('may still be held open by somebody when a task is reported STOPPED (LOG-77)', async () => {
    await world.register('held', 'sleep 1; echo end', { memory: 16 });
    const arns = await world.run('held');
    const [running] = await world.reach('RUNNING', arns);
    const id = running?.containers[0]?.runtimeId ?? '';
    const held = openSync(world.scratch.path(`run/logs/${id}/stdout`), 'w');
    try {
      const start = performance.now();
      await world.reach('STOPPED', arns);
      // Whoever holds it is waited for 10 s, but not with the report.
      expect(performance.now() - start).toBeLessThan(8_000);
      expect((await linesOf(id)).map((line) => line.text)).toEqual(['end']);
    } finally {
      closeSync(held);
    }
    await world.expectClean();
  }, 60_000);
});
