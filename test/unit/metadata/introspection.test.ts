import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HealthProbes, type HealthResults } from '../../../src/metadata/introspection/health-probes.ts';
import { IntrospectionServer } from '../../../src/metadata/introspection/introspection-server.ts';
import { containerIdOf, taskIdOf } from '../../../src/task/ids.ts';
import { NAMESPACE_PAUSE, withInternalContainers } from '../../../src/task/internal-containers.ts';
import type { Transition } from '../../../src/task/timeline.ts';
import { freePort } from '../../support/free-port.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { sampleContainerState, sampleTask } from '../store/sample-task.ts';
import { askIntrospection, introspectionSources, WELL } from './introspection-world.ts';

const CREATED = { ...sampleContainerState('app'), createdAt: 1_767_225_600_500 };
const TASK = sampleTask('one', { containers: [CREATED] });
const OTHER = sampleTask('two', { containers: [CREATED] });
const COMMANDS = { AvailableCommands: ['/v1/metadata', '/v1/tasks', '/license'] };
const NO_TASK = { Arn: '', KnownStatus: '', Family: '', Version: '', Containers: null };
const idOf = (task: typeof TASK) => containerIdOf(task.spec.arn, 'app', 0);

describe('introspection', () => {
  it('tells at unknown paths, and at its root, which there are (TMDS-80, TMDS-130)', async () => {
    for (const path of ['/', '/nope', '/v1/metadata/'])
      expect(await askIntrospection(introspectionSources([]), path)).toEqual({
        status: 200,
        contentType: 'text/plain; charset=utf-8',
        body: COMMANDS,
      });
  });

  it('has no instance before the registration (TMDS-81)', async () => {
    const view = { containerInstanceArn: undefined } as object;
    const { body } = await askIntrospection(introspectionSources([], view), '/v1/metadata');
    expect(body).toEqual({ Cluster: 'default', ContainerInstanceArn: null, Version: 'agent - v1 (0)' });
  });

  it('finds a task by a whole runtime id and by the beginning of one (TMDS-82, OBS-117)', async () => {
    const sources = introspectionSources([OTHER, TASK]);
    for (const id of [idOf(TASK), idOf(TASK).slice(0, 12), idOf(TASK).slice(0, 3)])
      expect(await askIntrospection(sources, `/v1/tasks?dockerid=${id}`)).toMatchObject({
        status: 200,
        body: { Arn: TASK.spec.arn, Containers: [{ DockerId: idOf(TASK) }] },
      });
  });

  it('leaves internal containers out of its tasks (TMDS-85)', async () => {
    const spec = withInternalContainers({ ...TASK.spec, ipcMode: 'task' });
    const pause = { ...CREATED, name: NAMESPACE_PAUSE };
    const sources = introspectionSources([{ ...TASK, spec, containers: [CREATED, pause] }]);
    expect(await askIntrospection(sources, `/v1/tasks?taskarn=${spec.arn}`)).toMatchObject({
      status: 200,
      body: { Containers: [{ Name: 'app' }] },
    });
  });

  it('takes more than 12 characters for a whole id (TMDS-132)', async () => {
    const sources = introspectionSources([TASK]);
    const target = `/v1/tasks?dockerid=${idOf(TASK).slice(0, 13)}`;
    expect(await askIntrospection(sources, target)).toMatchObject({ status: 404, body: NO_TASK });
  });

  it('refuses a beginning that several have, and two filters at once (TMDS-131, TMDS-83, OBS-118)', async () => {
    // Sixteen digits, seventeen tasks: two begin alike.
    const many = Array.from({ length: 17 }, (_, n) => sampleTask(`t${n}`, { containers: [CREATED] }));
    const firsts = many.map((task) => idOf(task).charAt(0));
    const twice = firsts.find((digit, index) => firsts.indexOf(digit) !== index);
    const sources = introspectionSources(many);
    expect(await askIntrospection(sources, `/v1/tasks?dockerid=${twice}`)).toMatchObject({
      status: 400,
      body: NO_TASK,
    });
    expect(await askIntrospection(sources, '/v1/tasks?dockerid=a&taskarn=b')).toMatchObject({
      status: 400,
      body: NO_TASK,
    });
  });

  it('has statuses as ECS has them, and containers that are made (TMDS-84)', async () => {
    const { createdAt: _, startedAt: __, ...absent } = CREATED;
    const tasks = (['NONE', 'MANIFEST_PULLED', 'CREATED', 'RUNNING'] as const).map((known, n) =>
      sampleTask(`s${n}`, { known, containers: [absent] }),
    );
    const { body } = await askIntrospection(introspectionSources(tasks), '/v1/tasks');
    expect(body).toMatchObject({
      Tasks: ['PENDING', 'PENDING', 'PENDING', 'RUNNING'].map((KnownStatus) => ({
        KnownStatus,
        DesiredStatus: 'RUNNING',
        Containers: [],
      })),
    });
  });

  it('leaves out what was wanted of a task that has stopped before it was to (TMDS-133)', async () => {
    const ask = async (desired: 'RUNNING' | 'STOPPED') => {
      const task = sampleTask('gone', { known: 'STOPPED', desired });
      return (await askIntrospection(introspectionSources([task]), `/v1/tasks?taskarn=${task.spec.arn}`))
        .body;
    };
    expect(await ask('STOPPED')).toMatchObject({ KnownStatus: 'STOPPED', DesiredStatus: 'STOPPED' });
    expect(await ask('RUNNING')).not.toHaveProperty('DesiredStatus');
  });

  it('says 500 where its licence is missing (OBS-115)', async () => {
    const sources = introspectionSources([], {}, { licence: async () => undefined });
    expect(await askIntrospection(sources, '/license')).toEqual({
      status: 500,
      contentType: 'text/plain',
      body: '',
    });
  });

  it('tells the moves of a task by its id, or by the beginning of it', async () => {
    const move: Transition = {
      at: 1_767_225_601_000,
      container: 'app',
      what: 'known',
      from: 'NONE',
      to: 'MANIFEST_PULLED',
      lasted: 250,
      why: 'imageResolved',
    };
    const asked: string[] = [];
    const timeline = async (arn: string) => {
      asked.push(arn);
      return [move];
    };
    const sources = introspectionSources([TASK, OTHER], {}, { timeline });
    const id = taskIdOf(TASK.spec.arn);
    for (const name of [id, id.slice(0, 2)])
      expect(await askIntrospection(sources, `/v1/tasks/${name}/timeline`)).toMatchObject({
        status: 200,
        body: {
          arn: TASK.spec.arn,
          transitions: [
            { at: '2026-01-01T00:00:01.000Z', container: 'app', lastedMs: 250, why: 'imageResolved' },
          ],
        },
      });
    expect(asked).toEqual([TASK.spec.arn, TASK.spec.arn]);
    expect((await askIntrospection(sources, '/v1/tasks/x/timeline')).status).toBe(404);
  });
});

describe('the health of the agent', () => {
  const BROKEN: HealthResults = { ...WELL, store: { ok: false, ms: 3, reason: 'the disk is full' } };

  it('is good while runtime and store work, also when ECS is away', async () => {
    const acs = { connected: false, since: Date.now() - 12_000, lastError: 'refused' };
    const sources = introspectionSources([], { acs });
    expect(await askIntrospection(sources, '/healthz')).toMatchObject({ status: 200, body: { ok: true } });
    const { status, body } = await askIntrospection(sources, '/readyz');
    expect(status).toBe(503);
    expect(body).toMatchObject({
      ok: false,
      reasons: [expect.stringMatching(/^acs: not connected for 1[23] s: refused$/)],
      checks: { acs: { ok: false, required: true }, tcs: { ok: true, required: false } },
    });
  });

  it('is bad with the reason when one of them does not', async () => {
    const sources = introspectionSources([], {}, { probe: async () => BROKEN });
    for (const path of ['/healthz', '/readyz'])
      expect(await askIntrospection(sources, path)).toMatchObject({
        status: 503,
        body: { reasons: ['store: the disk is full'] },
      });
  });

  it('is not ready before the registration, and ready without TCS', async () => {
    const unregistered = introspectionSources([], { containerInstanceArn: undefined } as object);
    expect((await askIntrospection(unregistered, '/readyz')).status).toBe(503);
    const withoutTcs = introspectionSources([], { tcs: { connected: false } });
    expect((await askIntrospection(withoutTcs, '/readyz')).status).toBe(200);
  });

  it('is found out by a call and a write, once for all who ask together, within two seconds', async () => {
    vi.useFakeTimers();
    let pings = 0;
    const probes = new HealthProbes({
      pingRuntime: () => {
        pings += 1;
        return new Promise(() => {});
      },
      writeStore: async () => {},
    });
    const results = Promise.all([probes.check(), probes.check()]);
    await vi.advanceTimersByTimeAsync(2_000);
    const [first, second] = await results;
    expect(first).toBe(second);
    expect(pings).toBe(1);
    expect(first.runtime).toMatchObject({ ok: false, reason: expect.stringContaining('2000 ms') });
    expect(first.store.ok).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    void probes.check();
    expect(pings).toBe(2);
    vi.useRealTimers();
  });
});

describe('the introspection server', () => {
  let scratch: Scratch;
  let server: IntrospectionServer | undefined;
  beforeEach(() => {
    scratch = makeScratch();
  });
  afterEach(async () => {
    server?.close();
    await scratch[Symbol.asyncDispose]();
  });

  const open = async (port: number, failed: Error[] = [], offHost = false) => {
    server = new IntrospectionServer({
      sources: introspectionSources([TASK]),
      socketPath: scratch.path('introspection.sock'),
      ports: [port],
      offHost,
      onListenFailed: (_, error) => failed.push(error),
    });
    await server.start();
  };

  it('comes back by itself when its port is free again', async () => {
    const port = await freePort();
    const squatter = createServer().listen(port, '127.0.0.1');
    await until(() => squatter.listening, { what: 'the port is taken' });
    const failed: Error[] = [];
    await open(port, failed);
    await until(() => failed.length > 0, { what: 'the port could not be had' });
    squatter.close();
    const answers = async () =>
      (await fetch(`http://127.0.0.1:${port}/v1/metadata`).catch(() => undefined))?.ok;
    await until(answers, { what: 'it answers on its port' });
  });

  it.each([
    ['is not reached from other hosts', false],
    ['is reached from other hosts where the setting says so', true],
  ])('%s (NET-25)', async (_, offHost) => {
    const port = await freePort();
    await open(port, [], offHost);
    await until(async () => (await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined))?.ok, {
      what: 'it answers on loopback',
    });
    // Another address of this host stands for the one that others know.
    const reached = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.2');
      socket.once('error', () => resolve(false)).once('connect', () => resolve(true));
      socket.once('connect', () => socket.destroy());
    });
    expect(reached).toBe(offHost);
  });
});
