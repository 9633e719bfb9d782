import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';
import { type PlayedEni, PlayedInstance } from '../support/instance.ts';

const ENI: PlayedEni = { name: 'ens6', mac: '0e:00:00:00:00:06', ipv4: '10.98.0.6', ipv6: 'fd98::6' };
const NETWORK = { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } } };
/** Tells what a container sees of its network, each thing with a word before it. */
const LOOK = [
  'echo "netns $(readlink /proc/self/ns/net)"',
  'echo "name $(hostname)"',
  'for link in /sys/class/net/*; do echo "link $(basename $link)"; done',
  'ip route | sed "s/^/route /"',
  'wget -q -O /dev/null http://127.0.0.1/ 2>/tmp/refused; echo "lo $(cat /tmp/refused)"',
  'echo "endpoint $(wget -q -O - $ECS_CONTAINER_METADATA_URI_V4)"',
].join('\n');

/** Everything runs in a network namespace that plays an EC2 instance; its ENI is a veth end. */
describe('a container', () => {
  let instance: PlayedInstance;
  let visit: Disposable;
  let world: EcsWorld;

  beforeAll(async () => {
    instance = await PlayedInstance.create('modes');
    visit = instance.host.enter();
    world = await EcsWorld.start({
      agentEnv: { AWS_EC2_METADATA_DISABLED: 'false', ECS_ENABLE_TASK_ENI: 'true' },
      controlPlaneArgs: ['--network-interfaces', instance.interfacesFile([ENI], { ipv6Addresses: [] })],
    });
    await instance.plug(ENI);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    visit?.[Symbol.dispose]();
    await instance?.[Symbol.asyncDispose]();
  });

  /** Runs a container to its end; gives what it has told after each word, and how ECS describes it. */
  async function look(networkMode: string, more: object = {}) {
    await world.register(networkMode, LOOK, { portMappings: [{ containerPort: 8000 }] }, { networkMode });
    const [task] = await world.reach('STOPPED', await world.run(networkMode, 1, more));
    const [container] = task?.containers ?? [];
    const lines = await world.logLines(container?.runtimeId ?? '');
    const told = (word: string) =>
      lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
    return { told, container };
  }

  it('of host mode is in the network of the host, has its name, and asks 169.254.170.2 (NET-2, NET-22, ECS-93)', async () => {
    const { told, container } = await look('host');
    expect(told('netns')).toEqual([readlinkSync('/proc/self/ns/net')]);
    expect(told('name')).toEqual([hostname()]);
    expect(told('endpoint')).toEqual([expect.stringContaining('"DockerId"')]);
    expect(container?.networkBindings).toEqual([]);
  }, 60_000);

  it('of none mode has lo, up, and nothing else: no link, no route, no 169.254.170.2 (NET-3, NET-78)', async () => {
    const { told } = await look('none');
    expect(told('link')).toEqual(['lo']);
    expect(told('route')).toEqual([]);
    expect(told('lo').join()).toContain('refused');
    expect(told('endpoint')).toEqual(['']);
  }, 60_000);

  it('of bridge mode asks 169.254.170.2 (NET-22)', async () => {
    expect((await look('bridge')).told('endpoint')).toEqual([expect.stringContaining('"DockerId"')]);
  }, 60_000);

  it('of awsvpc mode asks 169.254.170.2, and its ports are bound nowhere (NET-22, ECS-93)', async () => {
    const { told, container } = await look('awsvpc', NETWORK);
    expect(told('endpoint')).toEqual([expect.stringContaining('"DockerId"')]);
    expect(container?.networkBindings).toEqual([]);
    await world.expectClean();
  }, 60_000);
});
