import { afterEach, expect, it } from 'vitest';
import { TaskError } from '../../../src/task/errors.ts';
import { until } from '../../support/until.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';
import { EngineWorld, noLogs } from './engine-world.ts';

const SPEC = taskSpec([containerSpec('main')]);

let world: EngineWorld;
afterEach(() => world.engine.close());

/** Runs a task whose log is ready when that is. */
async function runWith(ready: Promise<void>): Promise<void> {
  world = new EngineWorld();
  ready.catch(() => undefined);
  const logs = { ...noLogs, prepare: async () => ({ stdio: { kind: 'null' } as const, ready }) };
  world.start({ ports: { logs }, engine: { cleanupWaitMs: 50 } });
  await world.engine.accept([{ spec: SPEC, desired: 'RUNNING' }]);
}

const main = () => world.store.tasks.get(SPEC.arn)?.containers[0]?.known;

it('a container is made while its log is made ready, and started after that', async () => {
  const ready = Promise.withResolvers<void>();
  await runWith(ready.promise);
  await until(() => world.runtime.ids().length === 1, { what: 'the container is made' });
  expect(main()).toBe('PULLED');
  ready.resolve();
  await until(() => main() === 'RUNNING', { what: 'the container runs' });
});

it('a log driver that cannot be set up is the reason of the container that never ran, and leaves none', async () => {
  const failure = 'failed to initialize logging driver: no such host';
  const ready = Promise.withResolvers<void>();
  await runWith(ready.promise);
  await until(() => world.runtime.ids().length === 1, { what: 'the container is made' });
  ready.reject(new TaskError('CannotStartContainerError', failure));
  await until(() => world.statuses().includes('STOPPED'), { what: 'the task has ended' });
  expect(world.reports.at(-1)?.containers[0]?.reason).toBe(`CannotStartContainerError: ${failure}`);
  expect(world.statuses()).not.toContain('RUNNING');
  await until(() => world.runtime.ids().length === 0, { what: 'it is cleaned up' });
});
