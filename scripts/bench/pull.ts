import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bulkLayer, busyboxLayer } from '../../test/support/base-layer.ts';
import { startContainerd, type TestContainerd } from '../../test/support/containerd.ts';
import { startDockerd, type TestDockerd } from '../../test/support/dockerd.ts';
import { EcsWorld } from '../../test/support/ecs-world.ts';
import { pushTestImage } from '../../test/support/push-image.ts';
import { startRegistry } from '../../test/support/registry.ts';
import { run } from '../../test/support/run.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { buildTestImage, type TestImage } from '../../test/support/test-image.ts';
import { bundledAgent } from './agent-build.ts';
import { type Contender, interleave, timed } from './interleave.ts';
import type { Report, Row } from './report.ts';
import { type Line, openLine, SHORT_LINE } from './slow-line.ts';

/** MB: one large layer, as real images have it, and others. */
const LAYERS = [120, 80, 50, 30, 15, 5];
const FAR: Line = { roundTripMs: 50, bytesPerSecond: 6_000_000 };
const NAME = 'bench/app:1';
const NAMESPACE = 'agent';
const CHILD = join(import.meta.dirname, 'pull-child.ts');
const LIMIT_MS = 180_000;

/**
 * `npm run bench -- pull`: an image of 300 MB in six layers from a registry on loopback, and the same over a line of
 * 50 ms whose connections carry 6 MB/s each; and the memory of an agent that runs a task of it.
 */
export async function runBenchmark({ rounds = 3 }: { readonly rounds?: number } = {}): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const containerd = stack.use(await startContainerd());
  const registry = stack.use(await startRegistry());
  const dockerd = stack.use(await startDockerd());
  const image = bulkImage();
  await pushTestImage(registry, NAME, image);
  await containerd.ctr(NAMESPACE, 'namespaces', 'create', NAMESPACE);
  const far = stack.use(openLine(registry.port, FAR));
  const puller = stack.use(new Puller(containerd.address));

  const rows: Row[] = [];
  for (const [place, port, aim] of [
    ['loopback', registry.port, 1],
    ['50 ms, 6 MB/s a connection', far.port, 0.5],
  ] as const) {
    stack.use(leadInto(dockerd, port));
    const reference = `127.0.0.1:${port}/${NAME}`;
    const taken = await interleave(contenders(place, { reference, puller, containerd, dockerd }), {
      rounds,
    });
    for (const [name, samples] of taken)
      rows.push({
        ...{ name, unit: 'ms', samples },
        ...(name === `${place}: agent` && {
          against: [{ row: `${place}: ctr`, aim }, { row: `${place}: dockerd` }],
        }),
      });
  }
  const { before, peak } = await memoryOf(image);
  rows.push({ name: 'agent: resident before', unit: 'MiB', samples: [before] });
  rows.push({ name: 'agent: resident at most', unit: 'MiB', samples: [peak], aim: 160 });
  return { benchmark: 'pull', title: 'An image of 300 MB in six layers, pulled and unpacked', rows };
}

function bulkImage(): TestImage {
  const layers = LAYERS.map((megabytes, index) => bulkLayer(megabytes * 1_000_000, index + 1));
  return buildTestImage({ busybox: false, layers: [busyboxLayer(), ...layers] });
}

/** dockerd lives in a network namespace of its own: a port of this machine's loopback is made to answer there too. */
function leadInto({ host }: TestDockerd, port: number): AsyncDisposable {
  using _visit = host.enter();
  return openLine(port, SHORT_LINE, port);
}

/** The agent's pulls, in a process of their own that goes on living, as the agent does. */
class Puller implements AsyncDisposable {
  readonly #child;
  readonly #answers;

  constructor(address: string) {
    this.#child = spawn(process.execPath, [CHILD, address, NAMESPACE], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** How long it took, ms. */
  async pull(reference: string): Promise<number> {
    this.#child.stdin.write(`${reference}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`pulling ${reference} failed`);
    return Number(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}

interface Pullers {
  readonly reference: string;
  readonly puller: Puller;
  readonly containerd: TestContainerd;
  readonly dockerd: TestDockerd;
}

function contenders(
  place: string,
  { reference, puller, containerd, dockerd }: Pullers,
): readonly Contender[] {
  const limits = { timeoutMs: LIMIT_MS };
  return [
    {
      name: `${place}: agent`,
      measure: async () => {
        const took = await puller.pull(reference);
        await containerd.ctr(NAMESPACE, 'images', 'rm', '--sync', reference);
        return took;
      },
    },
    {
      name: `${place}: ctr`,
      measure: async () => {
        const args = ['-a', containerd.address, '-n', 'ctr', 'images', 'pull', '--plain-http', reference];
        const took = await timed(() => run('ctr', args, limits));
        await containerd.ctr('ctr', 'images', 'rm', '--sync', reference);
        return took;
      },
    },
    {
      name: `${place}: dockerd`,
      measure: async () => {
        const socket = `unix://${dockerd.socketPath}`;
        const took = await timed(() => run('docker', ['-H', socket, 'pull', '-q', reference], limits));
        await dockerd.docker('rmi', reference);
        return took;
      },
    },
  ];
}

/** Resident memory of an agent as it is installed, before a task of the image and at most until its end, MiB. */
async function memoryOf(image: TestImage): Promise<{ readonly before: number; readonly peak: number }> {
  await using scratch = makeScratch();
  const { program } = await bundledAgent(scratch.path('bundle'));
  await using world = await EcsWorld.start({ agentProgram: program });
  const { reference } = await pushTestImage(world.registry, NAME, image);
  await world.register('bench', 'true', { image: reference });
  const before = residentOf(world.agent.pid, 'VmRSS');
  await world.reach('STOPPED', await world.run('bench'), LIMIT_MS);
  return { before, peak: residentOf(world.agent.pid, 'VmHWM') };
}

/** MiB, now or at most so far (proc_pid_status(5)). */
function residentOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
}
