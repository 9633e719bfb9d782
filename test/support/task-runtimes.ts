import { startDockerdIn } from './dockerd.ts';
import type { EcsWorld, WorldOptions } from './ecs-world.ts';
import type { NetworkHost } from './network-host.ts';

/** What runs the tasks of a world, for tests that are the same on each. */
export interface TaskRuntime extends AsyncDisposable {
  readonly agentEnv: Readonly<Record<string, string>>;
  /** Findings of the leak check that are its own. */
  readonly notOurs: NonNullable<WorldOptions['notOurs']>;
  /** The lines that a container has written so far, in order. */
  logLines(world: EcsWorld, runtimeId: string): Promise<readonly string[]>;
  /** Waits until the agent has cleaned up everything and nothing is left on the host. */
  expectClean(world: Pick<EcsWorld, 'expectClean'>): Promise<void>;
}

export interface TaskRuntimeKind {
  readonly name: 'containerd' | 'docker';
  /** In the network of a played host. */
  start(host: NetworkHost): Promise<TaskRuntime>;
}

/** For `describe.each`. A world has a containerd in any case. */
export const TASK_RUNTIMES: readonly TaskRuntimeKind[] = [
  {
    name: 'containerd',
    start: async () => ({
      agentEnv: {},
      notOurs: () => false,
      logLines: (world, id) => world.logLines(id),
      expectClean: (world) => world.expectClean(),
      [Symbol.asyncDispose]: async () => {},
    }),
  },
  { name: 'docker', start: async (host) => await dockerAsTaskRuntime(host) },
];

async function dockerAsTaskRuntime(host: NetworkHost): Promise<TaskRuntime> {
  const dockerd = await startDockerdIn(host);
  return {
    agentEnv: { ECS_RUNTIME: 'docker', DOCKER_HOST: `unix://${dockerd.socketPath}` },
    // dockerd keeps the network of its host at hand once a container has used it.
    notOurs: (finding) => finding.includes('/exec/netns/default'),
    logLines: async (_world, id) => {
      const found = await dockerd.docker('ps', '-aqf', `label=ecs-containerd-agent.id=${id}`);
      return (await dockerd.docker('logs', found.trim())).split('\n').slice(0, -1);
    },
    expectClean: async (world) => {
      await world.expectClean();
      const left = await dockerd.docker('ps', '-a');
      if (left.trim().includes('\n')) throw new Error(`containers are left: ${left}`);
    },
    [Symbol.asyncDispose]: () => dockerd[Symbol.asyncDispose](),
  };
}
