import { afterEach, describe, expect, it } from 'vitest';
import type { StepPorts } from '../../../src/engine/step-context.ts';
import { endpointEnvironment } from '../../../src/metadata/endpoint-environment.ts';
import { EndpointIds } from '../../../src/metadata/endpoint-ids.ts';
import type { TaskCgroups } from '../../../src/resource/task-cgroups.ts';
import { FakeImages } from '../../../src/runtime/fake/fake-images.ts';
import { FakeRuntime } from '../../../src/runtime/fake/fake-runtime.ts';
import type { CreateContainer, RuntimeInfo } from '../../../src/runtime/runtime.ts';
import type { TaskEni } from '../../../src/task/eni.ts';
import { TaskError } from '../../../src/task/errors.ts';
import { containerIdOf, taskArn, taskIdOf } from '../../../src/task/ids.ts';
import {
  NAMESPACE_PAUSE,
  NETWORK_PAUSE,
  withInternalContainers,
} from '../../../src/task/internal-containers.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { until as untilIt } from '../../support/until.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';
import { EngineWorld, noCgroups } from './engine-world.ts';

const until = (condition: () => boolean) => untilIt(condition, { what: String(condition), timeoutMs: 4_000 });

const worlds: EngineWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.engine.close();
});

const arnOf = (n: number) =>
  taskArn(`arn:aws:ecs:us-west-2:123456789012:task/peer/${String(n).padStart(32, '0')}`);
const ENI: TaskEni = {
  ec2Id: 'eni-1',
  macAddress: '0e:00:00:00:00:06',
  ipv4Addresses: ['10.0.2.100'],
  ipv6Addresses: [],
  subnetGatewayIpv4: '10.0.2.1/24',
  dnsServers: [],
  dnsSearch: [],
};
const task = (n: number, name = 'main', environment: Readonly<Record<string, string>> = {}) => ({
  spec: taskSpec([containerSpec(name, { environment })], { arn: arnOf(n) }),
  desired: 'RUNNING' as const,
});

/** Runs a task of one container and gives what the runtime was asked to make. */
async function requestOf(
  spec: TaskSpec,
  ports: Partial<StepPorts> = {},
  images = new FakeImages(),
): Promise<CreateContainer> {
  let request: CreateContainer | undefined;
  const behaviour = (asked: CreateContainer) => {
    request = asked;
    return {};
  };
  const w = new EngineWorld(behaviour, images).start({ ports });
  worlds.push(w);
  await w.engine.accept([{ spec, desired: 'RUNNING' }]);
  await until(() => w.known(spec.arn) === 'RUNNING');
  if (request === undefined) throw new Error('nothing was asked for');
  return request;
}

const requestFor = (
  name: string,
  environment: Readonly<Record<string, string>> = {},
  imageEnvironment: Readonly<Record<string, string>> = {},
) => requestOf(task(1, name, environment).spec, {}, new FakeImages(undefined, imageEnvironment));

describe('a container as it is asked for', () => {
  it('has the region in its environment, unless it or its image says otherwise, even with nothing (ENG-38, ENG-39, TMDS-77)', async () => {
    expect((await requestFor('main')).environment).toMatchObject({
      AWS_REGION: 'us-west-2',
      AWS_DEFAULT_REGION: 'us-west-2',
    });
    expect((await requestFor('main', { AWS_REGION: 'x' })).environment).toEqual({ AWS_REGION: 'x' });
    expect((await requestFor('main', {}, { AWS_DEFAULT_REGION: '' })).environment).toEqual({});
    expect((await requestFor('main', {}, { AWS_REGION: '' })).environment).toEqual({});
  });

  it('has five variables of the agent, with one id in all of them, and no AWS_EXECUTION_ENV (OBS-78, OBS-80, OBS-81)', async () => {
    const ids = new EndpointIds('00'.repeat(32));
    const ports = { endpointEnvironment: endpointEnvironment.bind(undefined, ids) };
    const { environment } = await requestOf(taskSpec([containerSpec('main')], { arn: arnOf(1) }), ports);
    const id = ids.idOf(taskSpec([containerSpec('main')], { arn: arnOf(1) }), 'main');
    expect(environment).toEqual({
      AWS_REGION: 'us-west-2',
      AWS_DEFAULT_REGION: 'us-west-2',
      ECS_CONTAINER_METADATA_URI: `http://169.254.170.2/v3/${id}`,
      ECS_CONTAINER_METADATA_URI_V4: `http://169.254.170.2/v4/${id}`,
      ECS_AGENT_URI: `http://169.254.170.2/api/${id}`,
    });
  });

  it('is below the cgroup of its task, which alone has the limits of the task (OBS-70, OBS-76)', async () => {
    const made: unknown[] = [];
    const cgroups: TaskCgroups = {
      ...noCgroups,
      ensure: async (taskId, limits) => {
        made.push(limits);
        return { driver: 'cgroupfs', path: `/ecs/${taskId}` };
      },
    };
    const bare = containerSpec('main', { cpu: 0, memoryMiB: 0 });
    const path = `/ecs/${taskIdOf(arnOf(1))}`;
    const limited = await requestOf(taskSpec([bare], { arn: arnOf(1), cpu: 0.5, memoryMiB: 512 }), {
      cgroups,
    });
    expect(limited).toMatchObject({ limits: { cpuShares: 2 }, cgroup: { path } });
    expect(limited.limits).toEqual({ cpuShares: 2 });
    expect(made[0]).toMatchObject({ cpu: 0.5, memoryMiB: 512 });
    const unlimited = await requestOf(taskSpec([bare], { arn: arnOf(1) }), { cgroups });
    expect(unlimited.cgroup).toEqual({ driver: 'cgroupfs', path });
  });

  it('has the namespaces that its task names, and a container that holds those of the task (RES-84)', async () => {
    const requests = new Map<string, CreateContainer>();
    const w = new EngineWorld((asked) => {
      requests.set(asked.labels['com.amazonaws.ecs.container-name'] ?? '', asked);
      return {};
    }).start();
    worlds.push(w);
    const of = (modes: Pick<TaskSpec, 'pidMode' | 'ipcMode'>, n: number) =>
      withInternalContainers(taskSpec([containerSpec('main')], { arn: arnOf(n), ...modes }));
    const requestsOf = async (modes: Pick<TaskSpec, 'pidMode' | 'ipcMode'>, n: number) => {
      requests.clear();
      await w.engine.accept([{ spec: of(modes, n), desired: 'RUNNING' }]);
      await until(() => w.known(arnOf(n)) === 'RUNNING');
      return requests;
    };
    expect((await requestsOf({ pidMode: 'host', ipcMode: 'none' }, 1)).get('main')).toMatchObject({
      pid: { kind: 'host' },
      ipc: { kind: 'none' },
    });
    expect((await requestsOf({ ipcMode: 'host' }, 2)).get('main')).toMatchObject({ ipc: { kind: 'host' } });
    const shared = await requestsOf({ pidMode: 'task', ipcMode: 'task' }, 3);
    const held = { kind: 'container', id: containerIdOf(arnOf(3), NAMESPACE_PAUSE, 0) };
    expect(shared.get('main')).toMatchObject({ pid: held, ipc: held });
    const pause = shared.get(NAMESPACE_PAUSE);
    expect(pause).toMatchObject({
      pause: true,
      ipc: { kind: 'shareable' },
      environment: {},
      network: { kind: 'isolated' },
      stdio: { kind: 'null' },
    });
    expect(pause).not.toHaveProperty('pid');
    const alone = (await requestsOf({ pidMode: 'task' }, 4)).get(NAMESPACE_PAUSE);
    expect(alone).not.toHaveProperty('ipc');
  });

  it('has the network of a container that holds it, where the runtime joins none by path, with the name of its ENI', async () => {
    const requestsOn = async (traits: Partial<RuntimeInfo>, n: number) => {
      const requests = new Map<string, CreateContainer>();
      const runtime = new FakeRuntime((asked) => {
        requests.set(asked.labels['com.amazonaws.ecs.container-name'] ?? '', asked);
        return {};
      }, traits);
      const w = new EngineWorld().start({ ports: { runtime } });
      worlds.push(w);
      const eni = { ...ENI, privateDnsName: 'ip-10-0-2-100.internal' };
      const spec = taskSpec([containerSpec('main')], { arn: arnOf(n), networkMode: 'awsvpc', eni });
      await w.engine.accept([{ spec, desired: 'RUNNING' }]);
      await until(() => w.known(arnOf(n)) === 'RUNNING');
      return requests;
    };
    const held = await requestsOn({ joinsNetworkBy: 'container' }, 1);
    expect([...held.keys()]).toEqual([NETWORK_PAUSE, 'main']);
    expect(held.get(NETWORK_PAUSE)).toMatchObject({
      pause: true,
      network: { kind: 'isolated' },
      hostname: 'ip-10-0-2-100.internal',
    });
    expect([...(await requestsOn({ joinsNetworkBy: 'path' }, 2)).keys()]).toEqual(['main']);
  });

  it('has the ids of its GPUs in its environment, and NVIDIA runs it (RES-76)', async () => {
    const requests = new Map<string, CreateContainer>();
    const w = new EngineWorld((asked) => {
      requests.set(asked.labels['com.amazonaws.ecs.container-name'] ?? '', asked);
      return {};
    }).start({
      capacity: {
        cpuUnits: 4096,
        memoryMiB: 4096,
        reservedPorts: { tcp: [], udp: [] },
        gpus: ['GPU-1', 'GPU-2', 'GPU-3'],
      },
    });
    worlds.push(w);
    const named = { NVIDIA_VISIBLE_DEVICES: 'all' };
    const gpus = [
      { id: 'GPU-1', containers: ['main'], content: '' },
      { id: 'GPU-3', containers: ['main'], content: '' },
    ];
    const containers = [
      containerSpec('main', { environment: named }),
      containerSpec('helper', { environment: named }),
      containerSpec('plain'),
    ];
    const environmentOf = (name: string) => requests.get(name)?.environment.NVIDIA_VISIBLE_DEVICES;
    const runtimeOf = (name: string) => requests.get(name)?.ociRuntime;
    await w.engine.accept([{ spec: taskSpec(containers, { arn: arnOf(1), gpus }), desired: 'RUNNING' }]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    expect([environmentOf('main'), runtimeOf('main')]).toEqual(['GPU-1,GPU-3', 'gpu-runtime']);
    expect([environmentOf('helper'), runtimeOf('helper')]).toEqual(['all', 'gpu-runtime']);
    expect([environmentOf('plain'), runtimeOf('plain')]).toEqual([undefined, undefined]);

    await w.engine.accept([task(2, 'main', named)]);
    await until(() => w.known(arnOf(2)) === 'RUNNING');
    expect([environmentOf('main'), runtimeOf('main')]).toEqual(['all', undefined]);
  });

  it('is not made while the target of its link has no address (NET-18)', async () => {
    const w = new EngineWorld().start();
    worlds.push(w);
    const dependsOn = [{ containerName: 'db', condition: 'START' }] as const;
    const app = containerSpec('app', { links: ['db'], dependsOn });
    const spec = taskSpec([app, containerSpec('db', { essential: false })], {
      arn: arnOf(1),
      networkMode: 'bridge',
    });
    await w.engine.accept([{ spec, desired: 'RUNNING' }]);
    await until(() => w.known(arnOf(1)) === 'STOPPED');
    expect(w.reports.at(-1)?.containers).toContainEqual(
      expect.objectContaining({
        containerName: 'app',
        reason: 'HostConfigError: Link target not available: db',
      }),
    );
  });

  it('has the known name (ENG-40, OBS-82)', async () => {
    expect((await requestFor('we_b.1')).name).toMatch(/^ecs-fam-1-web1-[0-9a-f]{20}$/);
  });

  it('has the known labels, that of the cluster with its name (ENG-41, OBS-83, OBS-84)', async () => {
    const { labels } = await requestFor('we_b.1');
    expect(Object.fromEntries(Object.entries(labels).filter(([name]) => name.startsWith('com.')))).toEqual({
      'com.amazonaws.ecs.task-arn': arnOf(1),
      'com.amazonaws.ecs.container-name': 'we_b.1',
      'com.amazonaws.ecs.task-definition-family': 'fam',
      'com.amazonaws.ecs.task-definition-version': '1',
      'com.amazonaws.ecs.cluster': 'c',
    });
  });

  it('is found again when the agent died after its creation and before its record (ENG-42, ENG-122)', async () => {
    const w = new EngineWorld().start();
    worlds.push(w);
    const created = Promise.withResolvers<void>();
    const { createContainer } = w.runtime;
    w.runtime.createContainer = async (...args) => {
      await createContainer.apply(w.runtime, args);
      created.resolve();
      await new Promise(() => {});
    };
    await w.engine.accept([task(1)]);
    await created.promise;
    await w.engine.close();
    expect(w.known(arnOf(1))).toBe('MANIFEST_PULLED');
    w.runtime.createContainer = createContainer;
    w.start();
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    const id = containerIdOf(arnOf(1), 'main', 0);
    expect(w.runtime.ids()).toEqual([id]);
    expect(w.runtime.starts(id)).toBe(1);
  });
});

describe('an image', () => {
  it.each([
    ['prefer-cached', 'ENG-96'],
    ['once', 'ENG-95'],
  ] as const)('that is here is used without a pull with %s (%s)', async (pullBehavior, _id) => {
    const images = new FakeImages();
    const w = new EngineWorld(() => ({}), images).start({ engine: { pullBehavior } });
    worlds.push(w);
    for (const n of [1, 2]) {
      await w.engine.accept([task(n)]);
      await until(() => w.known(arnOf(n)) === 'RUNNING');
    }
    expect(images.pulls).toBe(1);
  });

  it.each([
    ['default', 'RUNNING'],
    ['always', 'STOPPED'],
  ] as const)(
    'that cannot be pulled and is here: with %s the task is %s (ENG-86)',
    async (pullBehavior, known) => {
      let away = false;
      const images = new FakeImages(async (call) => {
        if (away && call === 'pull') throw new TaskError('CannotPullContainerError', 'no route to host');
      });
      const w = new EngineWorld(() => ({}), images).start({ engine: { pullBehavior } });
      worlds.push(w);
      await w.engine.accept([task(1)]);
      await until(() => w.known(arnOf(1)) === 'RUNNING');
      away = true;
      await w.engine.accept([task(2)]);
      await until(() => w.known(arnOf(2)) === known);
    },
  );

  it('that does not come in time ends its task with the word pulled (ENG-25)', async () => {
    const images = new FakeImages((call) => (call === 'pull' ? new Promise(() => {}) : Promise.resolve()));
    const w = new EngineWorld(() => ({}), images).start({ engine: { pullTimeoutMs: 50 } });
    worlds.push(w);
    await w.engine.accept([task(1)]);
    await until(() => w.known(arnOf(1)) === 'STOPPED');
    expect(w.reports.at(-1)?.containers[0]?.reason).toBe(
      'DockerTimeoutError: Could not transition to pulled; timed out after waiting 50ms',
    );
  });
});

describe('the runtime', () => {
  it('is listened to before anything is looked at (ENG-125)', async () => {
    const w = new EngineWorld();
    worlds.push(w);
    const calls: string[] = [];
    const { events } = w.runtime;
    w.runtime.events = (...args) => {
      calls.push('events');
      return events.apply(w.runtime, args);
    };
    w.runtime.onCall('list', async () => {
      calls.push('list');
    });
    w.start();
    await until(() => calls.includes('list'));
    expect(calls).toEqual(['events', 'list']);
  });
});
