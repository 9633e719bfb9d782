import { afterEach, expect, it } from 'vitest';
import type { Network } from '../../../src/network/network.ts';
import { TaskError } from '../../../src/task/errors.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { until } from '../../support/until.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';
import { EngineWorld, hostNetwork } from './engine-world.ts';

const SPEC = taskSpec([containerSpec('main', { log: { driver: 'none', options: {} } })], {
  networkMode: 'bridge',
});

let world: EngineWorld;
afterEach(() => world.engine.close());

const main = () => world.store.tasks.get(SPEC.arn)?.containers[0]?.known;

/** Runs a task whose network is completed so. */
async function runWith(
  completeContainerNetwork: Network['completeContainerNetwork'],
  spec: TaskSpec = SPEC,
): Promise<void> {
  world = new EngineWorld();
  const network = { ...hostNetwork, completeContainerNetwork };
  world.start({ ports: { network } });
  await world.engine.accept([{ spec, desired: 'RUNNING' }]);
}

it('a process runs when its network is complete, and not before', async () => {
  const completed = Promise.withResolvers<void>();
  await runWith(() => completed.promise);
  await until(() => main() === 'CREATED', { what: 'the container is made' });
  expect(world.runtime.ids().map((id) => world.runtime.starts(id))).toEqual([0]);
  completed.resolve();
  await until(() => main() === 'RUNNING', { what: 'the container runs' });
});

it('a network that is refused is the reason of the container that never ran', async () => {
  await runWith(() => Promise.reject(new TaskError('ContainerNetworkingError', 'CNI plugin bridge failed')));
  await until(() => world.statuses().includes('STOPPED'), { what: 'the task has ended' });
  const reason = 'ContainerNetworkingError: CNI plugin bridge failed';
  expect(world.reports.at(-1)?.containers[0]?.reason).toBe(reason);
  expect(world.runtime.ids().map((id) => world.runtime.starts(id))).toEqual([0]);
});

it('a network that is in trouble for the moment is completed a little later', async () => {
  let tries = 0;
  await runWith(async () => {
    tries += 1;
    if (tries === 1) throw new Error('somebody else holds the lock of the packet filter');
  });
  await until(() => world.known(SPEC.arn) === 'RUNNING', { what: 'the task runs' });
  expect(tries).toBe(2);
});

it.each(['net.ipv4.conf.eth0.arp_ignore', 'net/ipv6/conf/all/forwarding'])(
  'the network of a container with the setting %s is complete before it is made ready',
  async (name) => {
    const container = containerSpec('main', { log: { driver: 'none', options: {} } });
    const options = { ...container.options, sysctls: { [name]: '1' } };
    let made: readonly unknown[] | undefined;
    await runWith(
      async () => {
        made ??= world.runtime.ids();
      },
      { ...SPEC, containers: [{ ...container, options }] },
    );
    await until(() => main() === 'RUNNING', { what: 'the container runs' });
    expect(made).toEqual([]);
  },
);
