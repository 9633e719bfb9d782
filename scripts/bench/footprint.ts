import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startAgent } from '../../test/support/agent.ts';
import { startContainerd } from '../../test/support/containerd.ts';
import { accepts, startDaemon } from '../../test/support/daemon.ts';
import { freePort } from '../../test/support/free-port.ts';
import { hostProcesses } from '../../test/support/processes.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { type AgentBuild, bundledAgent, FROM_SOURCE } from './agent-build.ts';
import { measureFootprintsOfTasks } from './footprint-of-tasks.ts';
import { type Footprint, footprintOf } from './process-footprint.ts';
import type { Report, Row } from './report.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The processes of an agent at rest, and what Node alone takes of the same pages. */
export interface Footprints {
  readonly node: Footprint;
  readonly agent: Footprint;
  readonly logService: Footprint;
}

const INTERVAL_MS = 500;
/** At rest: this many looks in a row differ by less than half a MiB; longer than between two times that memory is given back. */
const LOOKS = 14;
const LIMIT_MS = 40_000;

/** Waits until the private memory of the processes no longer moves, for a bounded time. */
async function rest(pids: readonly number[]): Promise<void> {
  const sums: number[] = [];
  for (const deadline = performance.now() + LIMIT_MS; performance.now() < deadline; ) {
    sums.push(pids.reduce((sum, pid) => sum + footprintOf(pid).private, 0));
    const last = sums.slice(-LOOKS);
    if (last.length === LOOKS && Math.max(...last) - Math.min(...last) < 0.5) return;
    await delay(INTERVAL_MS);
  }
}

/**
 * Starts an agent on a containerd and a control plane of its own and measures it at rest, connected and without
 * tasks, beside a Node of the same binary that does nothing and shares the binary's pages with it.
 */
export async function measureFootprints(build: AgentBuild): Promise<Footprints> {
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(makeScratch());
  const containerd = stack.use(await startContainerd());
  const port = await freePort();
  const controlPlane = await startDaemon({
    command: process.execPath,
    args: [
      join(ROOT, 'src/control-plane/main.ts'),
      '--port',
      String(port),
      '--state-dir',
      scratch.path('state'),
      '--access-key',
      'test',
      '--secret-key',
      'test',
    ],
    logFile: scratch.path('control-plane.log'),
    ready: () => accepts(port),
  });
  stack.defer(() => controlPlane.stop());
  const bare = spawn(build.node, ['-e', 'setInterval(()=>{},1e9)'], { stdio: 'ignore' });
  const bareEnded = once(bare, 'exit');
  stack.defer(async () => {
    bare.kill();
    await bareEnded;
  });
  const runDir = scratch.path('run');
  const agent = stack.use(
    await startAgent({
      controlPlaneUrl: `http://127.0.0.1:${port}`,
      containerdAddress: containerd.address,
      dataDir: scratch.path('data'),
      runDir,
      namespace: `ecs-f${process.pid}`,
      logFile: scratch.path('agent.log'),
      program: build.program,
    }),
  );
  const logService = hostProcesses().find(({ args }) => args.includes('--run-dir') && args.includes(runDir));
  if (logService === undefined || bare.pid === undefined) throw new Error('a process to measure is missing');
  await rest([agent.pid, logService.pid]);
  return {
    node: footprintOf(bare.pid),
    agent: footprintOf(agent.pid),
    logService: footprintOf(logService.pid),
  };
}

/** `npm run bench -- footprint`: the agent at rest, as it is installed and run from source, and hosts with tasks. */
export async function runBenchmark(): Promise<Report> {
  await using scratch = makeScratch();
  const bundle = await measureFootprints(await bundledAgent(scratch.path('bundle')));
  const source = await measureFootprints(FROM_SOURCE);
  return {
    benchmark: 'footprint',
    title: 'Memory at rest; the floor is a Node of the same binary that does nothing',
    rows: [
      ...rowsOf('bundle', bundle, AIMS),
      ...rowsOf('source', source, {}),
      ...(await measureFootprintsOfTasks()),
    ],
  };
}

/** MiB, of the agent as it is installed. */
const AIMS: Partial<Footprint> = { resident: 85, private: 40 };

function rowsOf(build: string, footprints: Footprints, aims: Partial<Footprint>): readonly Row[] {
  return Object.entries(footprints).flatMap(([part, footprint]: [string, Footprint]) =>
    (['resident', 'private', 'proportional'] as const).map((kind): Row => {
      const aim = part === 'agent' ? aims[kind] : undefined;
      return {
        name: `${build}: ${part}, ${kind}`,
        unit: 'MiB',
        samples: [footprint[kind]],
        ...(aim !== undefined && { aim }),
        ...(part !== 'node' && { against: [{ row: `${build}: node, ${kind}` }] }),
      };
    }),
  );
}
