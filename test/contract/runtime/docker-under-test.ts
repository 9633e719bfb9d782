import { readFileSync } from 'node:fs';
import { type OpenedDocker, openDocker } from '../../../src/runtime/docker/open-docker.ts';
import { limitsOfProcess } from '../../support/cgroup-limits.ts';
import { removeCgroups } from '../../support/cgroups.ts';
import { startDockerd } from '../../support/dockerd.ts';
import { run } from '../../support/run.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';
import { usersLayer } from './users-layer.ts';

/** A dockerd of its own with the contract's images, and a runtime opened on it. */
export async function dockerUnderTest(): Promise<RuntimeUnderTest> {
  const dockerd = await startDockerd();
  const image = 'contract:1';
  const imageWithStopSignal = 'contract:stop';
  await dockerd.load(image, { env: ['IMAGE=yes'], layers: [usersLayer()] });
  await dockerd.load(imageWithStopSignal, { stopSignal: 'SIGUSR1' });
  const cgroup = `/ecs-contract-${process.pid}`;
  const options = { socketPath: dockerd.socketPath, owner: 'ecs' };
  let opened: OpenedDocker = await openDocker(options);
  return {
    keepsExits: true,
    givesAllCapabilities: hasAllCapabilities(),
    image,
    imageWithStopSignal,
    get runtime() {
      return opened.runtime;
    },
    reopen: async () => {
      await opened.runtime.close();
      opened = await openDocker(options);
      return opened.runtime;
    },
    stdio: async () => ({ kind: 'runtime', driver: 'json-file', options: {} }),
    output: async (id) => {
      const [dockerId = ''] = (
        await dockerd.docker('ps', '-aqf', `label=ecs-containerd-agent.id=${id}`)
      ).split('\n');
      // Both outputs in the order in which they were written.
      return await run('sh', [
        '-c',
        'exec docker -H "unix://$0" logs "$1" 2>&1',
        dockerd.socketPath,
        dockerId,
      ]);
    },
    limitsOf: async (_id, pid) => limitsOfProcess(pid),
    defaults: () => ({ cgroup: { driver: 'cgroupfs', path: cgroup } }),
    expectNothingLeft: async () => {
      const left = await dockerd.docker('ps', '-aq');
      if (left.trim() !== '') throw new Error(`containers are left: ${left}`);
    },
    [Symbol.asyncDispose]: async () => {
      await opened.runtime.close();
      await dockerd[Symbol.asyncDispose]();
      removeCgroups(cgroup);
    },
  };
}

function hasAllCapabilities(): boolean {
  const own = /^CapBnd:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const newest = BigInt(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8').trim());
  return BigInt(`0x${own}`) === (1n << (newest + 1n)) - 1n;
}
