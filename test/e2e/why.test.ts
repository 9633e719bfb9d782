import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StackFiles } from '../../src/ecs-local/stack-files.ts';
import { type RegistryFront, startFront } from '../integration/image/registry-front.ts';
import { bulkLayer } from '../support/base-layer.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { freePort } from '../support/free-port.ts';
import { pushTestImage } from '../support/push-image.ts';
import { tryRun } from '../support/run.ts';
import { buildTestImage } from '../support/test-image.ts';
import { until } from '../support/until.ts';

const PROGRAM = fileURLToPath(new URL('../../src/ecs-local/main.ts', import.meta.url));
const OBEDIENT = 'trap "exit 0" TERM; while :; do sleep 0.1; done';

describe('ecs-local why', () => {
  let world: EcsWorld;
  let front: RegistryFront;
  beforeAll(async () => {
    world = await EcsWorld.start({
      agentEnv: { ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '3s' },
      // The agent counts for itself; a control plane that has counted would send nothing that has to wait.
      controlPlaneArgs: ['--no-resource-check'],
    });
    front = await startFront(world.registry.port);
    new StackFiles(world.scratch.path('')).write({
      version: 1,
      region: 'us-west-2',
      cluster: 'default',
      controlPlaneUrl: world.url,
      accessKeyId: 'test',
      secretAccessKey: 'test',
      containerdAddress: world.containerd.address,
      containerdNamespace: world.namespace,
      dataDir: world.scratch.path('data'),
      runDir: world.scratch.path('run'),
      processes: [],
    });
  });
  afterAll(async () => {
    await front?.close();
    await world?.[Symbol.asyncDispose]();
  });

  const why = async (arn: string): Promise<string> => {
    const args = [PROGRAM, '--dir', world.scratch.path(''), 'why', arn.slice(-32)];
    return (await tryRun(process.execPath, args, { timeoutMs: 30_000 })).stdout;
  };

  /** Waits until the agent gives that reason; gives what the command makes of it. */
  const whyIs = async (arn: string, expected: RegExp): Promise<string> => {
    await until(
      async () => {
        const task = (await world.agent.ask())?.tasks.find((candidate) => candidate.arn === arn);
        return task?.why.some(({ container = '', what }) => expected.test(`${container} ${what}`));
      },
      { what: `the agent says ${expected}`, timeoutMs: 40_000 },
    );
    const text = await why(arn);
    expect(text).toMatch(expected);
    return text;
  };

  const startTask = async (family: string) => (await world.run(family))[0] ?? '';
  const stop = async (...arns: readonly string[]) => {
    await world.stop(...arns);
    await world.reach('STOPPED', arns);
  };

  it('names the task that holds a port, and the one behind it waits its turn (ENG-109)', async () => {
    const port = await freePort();
    const portMappings = [{ containerPort: port, hostPort: port, protocol: 'tcp' }];
    await world.register('port', OBEDIENT, { memory: 16, portMappings });
    const holder = await startTask('port');
    await world.reach('RUNNING', [holder]);
    const waiting = await startTask('port');
    const text = await whyIs(
      waiting,
      new RegExp(`waits for tcp port ${port} of the host, which task ${holder.slice(-32)} holds`),
    );
    expect(text).toMatch(/^task \w+ \(port:1\) is PENDING, wanted RUNNING\n/);
    expect(text).toMatch(/for \d+ s now; goes on with: the end of task/);
    expect(await why(holder)).toMatch(/is RUNNING\n {2}is as it is wanted and waits for nothing/);
    await world.register('behind', OBEDIENT, { memory: 16 });
    const behind = await startTask('behind');
    await whyIs(behind, new RegExp(`behind task ${waiting.slice(-32)}`));
    await stop(holder);
    await world.reach('RUNNING', [waiting, behind]);
    await stop(waiting, behind);
    await world.expectClean();
  }, 120_000);

  it('says how much memory is missing', async () => {
    const memoryMiB = await instanceMemory(world);
    const reserving = { memory: memoryMiB, memoryReservation: memoryMiB - 40 };
    await world.register('large', OBEDIENT, reserving);
    await world.register('more', OBEDIENT, { memory: 100, memoryReservation: 60 });
    const large = await startTask('large');
    await world.reach('RUNNING', [large]);
    const more = await startTask('more');
    await whyIs(more, new RegExp(`waits for 60 MiB of memory: 40 of the host's ${memoryMiB} are not taken`));
    await stop(more);
    await stop(large);
    await world.expectClean();
  }, 90_000);

  it('tells how far a pull is and how fast it goes', async () => {
    const image = buildTestImage({ layers: [bulkLayer(4_000_000, 7)] });
    const [layer] = image.native.layers.toSorted((a, b) => b.size - a.size);
    await pushTestImage(world.registry, 'slow:1', image);
    front.disturb = ({ path }) => (path.endsWith(`/blobs/${layer?.digest}`) ? { rate: 400_000 } : undefined);
    await world.register('slow', 'true', { image: `${front.host}/slow:1` });
    const [arn = ''] = await world.run('slow');
    await whyIs(arn, /main pulls \S+\/slow:1: \d+% of \d+\.\d MB at \d\.\d MB\/s, \d of \d layers unpacked/);
    await stop(arn);
    await world.expectClean();
  }, 90_000);

  it('says what is wrong with a registry while it is asked again', async () => {
    const registry = `127.0.0.1:${await freePort()}`;
    await world.register('nobody', 'true', { image: `${registry}/nobody:1` });
    const arn = await startTask('nobody');
    await whyIs(
      arn,
      new RegExp(`it failed and is tried again: registry ${registry} could not be reached: .*ECONNREFUSED`),
    );
    await stop(arn);
    await world.expectClean();
  }, 90_000);

  it('shows the last probe of a dependency that is not healthy', async () => {
    const containerDefinitions = [
      {
        name: 'db',
        image: world.image,
        memory: 16,
        essential: true,
        command: ['sh', '-c', OBEDIENT],
        healthCheck: { command: ['CMD-SHELL', 'echo no database here; exit 3'], interval: 5, retries: 1 },
      },
      {
        name: 'app',
        image: world.image,
        memory: 16,
        essential: true,
        command: ['sh', '-c', OBEDIENT],
        dependsOn: [{ containerName: 'db', condition: 'HEALTHY' }],
      },
    ];
    await world.define({ family: 'ill', networkMode: 'host', containerDefinitions });
    const [arn = ''] = await world.run('ill');
    await whyIs(
      arn,
      /app waits for container "db" to be healthy; that is RUNNING and UNHEALTHY: its last probe ended with exit code 3 and said: no database here/,
    );
    await stop(arn);
    expect(await why(arn)).toMatch(/is STOPPED\n.* {2}db exit code 0/s);
    await world.expectClean();
  }, 90_000);
});

async function instanceMemory(world: EcsWorld): Promise<number> {
  const { containerInstanceArns } = await world.aws<{ containerInstanceArns: readonly string[] }>(
    'list-container-instances',
  );
  const { containerInstances } = await world.aws<{
    containerInstances: readonly [{ registeredResources: readonly { name: string; integerValue: number }[] }];
  }>('describe-container-instances', '--container-instances', ...containerInstanceArns);
  const memory = containerInstances[0].registeredResources.find(({ name }) => name === 'MEMORY');
  return memory?.integerValue ?? 0;
}
