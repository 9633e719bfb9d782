import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { openTaskCgroups } from '../../../src/resource/cgroups.ts';
import { taskArn, taskIdOf } from '../../../src/task/ids.ts';
import { removeCgroups } from '../../support/cgroups.ts';
import { startContainerd } from '../../support/containerd.ts';
import type { ContainerdVersion } from '../../support/containerd-versions.ts';
import { startDockerd } from '../../support/dockerd.ts';
import { importTestImage } from '../../support/import-image.ts';
import { run as command } from '../../support/run.ts';
import { makeScratch } from '../../support/scratch.ts';
import type { TestImageOptions } from '../../support/test-image.ts';
import { CASES, DEVICE_FOLDER, type ParityCase } from './cases.ts';
import { compareSights, type Difference } from './compare.ts';
import { payloadOf } from './definitions.ts';
import { runcWithinBounds } from './docker-runc.ts';
import { probeLayer } from './probe.ts';
import { ContainerdSide } from './runs-on-containerd.ts';
import { runOnDocker } from './runs-on-docker.ts';
import { type HostNamespaces, type Sight, sightOf } from './sight.ts';

/** What came of one case. */
export interface ParityResult {
  readonly name: string;
  readonly differences: readonly Difference[];
}

const AT_ONCE = 6;
const IMAGES: Readonly<Record<'plain' | 'full', TestImageOptions>> = {
  plain: { layers: [probeLayer()], cmd: ['probe'] },
  full: {
    layers: [probeLayer()],
    entrypoint: ['/bin/probe'],
    cmd: ['of', 'the image'],
    env: ['FROM=image', 'OTHER=a b'],
    user: 'app',
    workingDir: '/srv/of/image',
    stopSignal: 'SIGUSR1',
    labels: { of: 'image' },
    exposedPorts: ['80/tcp'],
  },
};

/** Runs every case on a containerd and on a dockerd of its own, and compares what their containers see. */
export async function runParity(version: ContainerdVersion = '1.6'): Promise<readonly ParityResult[]> {
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(makeScratch());
  const dockerd = stack.use(
    await startDockerd('--default-ulimit', openFilesAsOnEcsHosts(), ...runcWithinBounds(scratch)),
  );
  // Both sides have the same host: its network is the one that dockerd lives in.
  stack.use(dockerd.host.enter());
  const containerd = stack.use(await startContainerd({ version }));
  const namespace = `ecs-parity-${process.pid}`;
  stack.defer(() => removeCgroups(`/${namespace}`));
  await makeDevices(stack);
  for (const [name, image] of Object.entries(IMAGES)) {
    await importTestImage(containerd, namespace, `docker.io/library/parity:${name}`, image);
    await dockerd.load(`parity:${name}`, image);
  }
  const cgroups = await openTaskCgroups({
    driver: 'cgroupfs',
    root: '/sys/fs/cgroup',
    name: namespace,
    cpuPeriodUs: 100_000,
  });
  stack.defer(() => cgroups.close());
  // Written by the probes that see the host's.
  stack.defer(() => rmSync('/dev/shm/written', { force: true }));
  const side = stack.use(await ContainerdSide.open({ containerd, namespace, scratch, cgroups }));
  const host = hostNamespaces();

  const onDocker = async (one: ParityCase): Promise<Sight> => {
    const payload = payloadOf(one, 'docker');
    const taskId = taskIdOf(taskArn(payload.arn ?? ''));
    return sightOf(await runOnDocker(dockerd, payload, `/${namespace}/${taskId}`), host);
  };
  const onContainerd = async (one: ParityCase): Promise<Sight> =>
    sightOf(await side.run(payloadOf(one, 'containerd')), host);

  const both = async (one: ParityCase): Promise<ParityResult> => {
    const [docker, mine] = await Promise.all([onDocker(one), onContainerd(one)]).catch((error: unknown) => {
      throw new Error(`${one.name}: ${error instanceof Error ? error.message : ''}`, { cause: error });
    });
    return { name: one.name, differences: compareSights(docker, mine) };
  };
  // Containers of bridges come after all others: their links are on the host, which others see.
  const isBridged = ({ task }: ParityCase) => task?.networkMode === 'bridge';
  const results = [
    ...(await mapSome(
      CASES.filter((one) => !isBridged(one)),
      both,
    )),
    ...(await mapSome(CASES.filter(isBridged), both)),
  ];
  return CASES.flatMap(({ name }) => results.filter((result) => result.name === name));
}

/** As the daemon of the ECS-optimized machine image is started, as far as this machine can give. */
function openFilesAsOnEcsHosts(): string {
  const own = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  return `nofile=${Math.min(32_768, own)}:${Math.min(65_536, own)}`;
}

function hostNamespaces(): HostNamespaces {
  const folder = '/proc/thread-self/ns';
  return new Set(readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`)));
}

async function makeDevices(stack: AsyncDisposableStack): Promise<void> {
  const remove = () => rmSync(DEVICE_FOLDER, { recursive: true, force: true });
  // What a killed run has left.
  remove();
  stack.defer(remove);
  mkdirSync(`${DEVICE_FOLDER}/below`, { recursive: true });
  await command('mknod', [`${DEVICE_FOLDER}/log`, 'c', '1', '11']);
  await command('mknod', ['-m', '600', `${DEVICE_FOLDER}/below/loop`, 'b', '7', '0']);
}

/** In order, a few at a time. */
async function mapSome<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<readonly U[]> {
  const results: U[] = [];
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const [index, item] of queue) results[index] = await work(item);
    }),
  );
  return results;
}
