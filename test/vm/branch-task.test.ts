import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DescribedTask } from '../support/aws-ecs.ts';
import { instanceMetadata } from '../support/instance.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { VmWorld } from './vm-world.ts';

const TRUNK = '0e:00:00:00:0d:01';
const BRANCH = '0e:00:00:00:0d:02';
const VLAN = 101;
const ROUTER = '10.97.0.1';
const ADDRESS = '10.97.0.20';
const IMDS = '169.254.169.254';
const REACH_MS = 180_000;
/** Longer than anything else that a request waits for in emulation. */
const DELAY_MS = 8_000;
const FAULTS = {
  'network-latency': { DelayMilliseconds: DELAY_MS, JitterMilliseconds: 0, Sources: [ROUTER] },
  'network-packet-loss': { LossPercent: 100, Sources: [ROUTER] },
};
const WEB =
  'mkdir -p /www && hostname >/www/index.html && httpd -p 80 -h /www; trap "exit 0" TERM; while :; do sleep 0.2; done';
const NETWORK = { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } } };
const ASK = 'ip netns exec router busybox wget -q -O -';
/** The machine is the instance; a namespace of it plays the VPC, with the other end of trunk and vlan. */
const INSTANCE = [
  'ip netns add router',
  `ip link add ens5 address ${TRUNK} type veth peer name trunk0 netns router`,
  'ip -n router link set trunk0 up',
  `ip -n router link add link trunk0 name vlan0 type vlan id ${VLAN}`,
  `ip -n router addr add ${ROUTER}/24 dev vlan0`,
  'ip -n router link set vlan0 up',
  `ip addr add ${IMDS}/32 dev lo`,
  `cat >/run/imds.json <<'END'\n${instanceMetadata()}\nEND`,
  `systemd-run --unit imds /bundle/node /repo/test/support/imds-double.ts /run/imds.json ${IMDS}`,
].join('\n');

/** One boot for all; tests build on one another. */
describe('a task on a branch ENI', () => {
  let scratch: Scratch;
  let world: VmWorld;
  let task: DescribedTask;

  const netns = () => `ecs-${task.taskArn.split('/').at(-1)}`;
  const link = () => world.machine.run(`ip -n ${netns()} -d -o link show dev eth0`);
  /** What the task serves, asked from the VPC. */
  const page = async () =>
    await world.machine.reach(`${ASK} http://${ADDRESS}/`, (text) => text !== '' && !text.includes('wget:'));

  /** The answer to a request for a fault, made as the task's program would. */
  const fault = async (
    kind: keyof typeof FAULTS,
    operation: 'start' | 'status' | 'stop',
  ): Promise<unknown> => {
    const body = operation === 'start' ? JSON.stringify(FAULTS[kind]) : '';
    const uri = await world.machine.run(
      `cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -m 1 '^ECS_AGENT_URI=' | cut -d = -f 2-`,
    );
    const asked = await world.machine.run(
      `ip netns exec ${netns()} busybox wget -q -O - --post-data '${body}' ${uri.trim()}/fault/v1/${kind}/${operation}`,
    );
    return JSON.parse(asked);
  };

  beforeAll(async () => {
    scratch = makeScratch();
    const interfaces = scratch.path('interfaces.json');
    const branch = {
      macAddress: BRANCH,
      vlanId: String(VLAN),
      trunkMacAddress: TRUNK,
      subnetId: 'subnet-1',
      privateIpv4Addresses: [ADDRESS],
      subnetGatewayIpv4Address: `${ROUTER}/24`,
      privateDnsName: 'branch.internal',
    };
    writeFileSync(interfaces, JSON.stringify([branch]));
    world = await VmWorld.start({
      settings: { AWS_EC2_METADATA_DISABLED: 'false', ECS_ENABLE_TASK_ENI: 'true' },
      controlPlaneArgs: ['--network-interfaces', interfaces],
    });
    await world.machine.run(INSTANCE);
    await world.machine.run('systemctl start containerd && systemctl start --no-block ecs');
    await world.connected();
  }, 900_000);
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await scratch?.[Symbol.asyncDispose]();
  }, 60_000);

  it('is asked for by the capability', async () => {
    const { containerInstanceArns: arns } = await world.aws<{ containerInstanceArns: string[] }>(
      'list-container-instances',
    );
    const { containerInstances } = await world.aws<{
      containerInstances: { attributes: { name: string }[] }[];
    }>('describe-container-instances', '--container-instances', ...arns);
    const names = containerInstances.flatMap(({ attributes }) => attributes.map(({ name }) => name));
    expect(names).toEqual(
      expect.arrayContaining([
        'ecs.capability.task-eni-trunking',
        'ecs.capability.branch-cni-plugin-version',
      ]),
    );
  });

  it('has a vlan of the trunk as eth0 and is reached by it, while the trunk stays on the host (NET-46, NET-99)', async () => {
    await world.register('branch', WEB, {}, { networkMode: 'awsvpc', enableFaultInjection: true });
    const [running] = await world.reach('RUNNING', await world.run('branch', 1, NETWORK), REACH_MS);
    if (running === undefined) throw new Error('not started');
    task = running;
    expect(await link()).toMatch(new RegExp(`link/ether ${BRANCH}.* vlan protocol 802\\.1Q id ${VLAN} `));
    expect(await page()).toBe('branch.internal');
    expect(await world.machine.run('ip -o link show ens5')).toMatch(/<[^>]*\bUP\b/);
  }, 300_000);

  it('runs on when the agent is killed and started again, with the same link', async () => {
    const before = await link();
    const pid = await world.mainPid('ecs');
    await world.machine.run(`kill -9 ${pid}`);
    await world.machine.reach(
      'systemctl show ecs --property=MainPID --value',
      (now) => now !== pid && now !== '0',
    );
    await world.connected();
    expect(await link()).toBe(before);
    expect(await page()).toBe('branch.internal');
  }, 300_000);

  it("delays and loses its packets when it asks its endpoint for it, and nobody else's (TMDS-69, TMDS-70)", async () => {
    const hostQueues = () => world.machine.run('tc qdisc show dev ens5');
    const before = await hostQueues();
    expect(await fault('network-latency', 'start')).toEqual({ Status: 'running' });
    const begun = Date.now();
    expect(await page()).toBe('branch.internal');
    expect(Date.now() - begun).toBeGreaterThan(DELAY_MS);
    expect(await fault('network-latency', 'stop')).toEqual({ Status: 'stopped' });
    expect(await fault('network-packet-loss', 'start')).toEqual({ Status: 'running' });
    expect(await world.machine.run(`${ASK} -T 20 http://${ADDRESS}/ 2>&1 || true`)).toContain('timed out');
    expect(await fault('network-packet-loss', 'status')).toEqual({ Status: 'running' });
    expect(await fault('network-packet-loss', 'stop')).toEqual({ Status: 'stopped' });
    expect(await page()).toBe('branch.internal');
    expect(await hostQueues()).toBe(before);
  }, 300_000);

  it('leaves neither vlan nor namespace at its end', async () => {
    await world.stop(task.taskArn);
    await world.reach('STOPPED', [task.taskArn], REACH_MS);
    await world.machine.reach('ip netns; ip -o link', (text) => !/ecs-|802\.1Q|ecsvlan/.test(text));
    expect(await world.machine.run('ip -o link')).not.toContain(BRANCH);
    expect(await world.machine.run('ip -o link show ens5')).toMatch(/<[^>]*\bUP\b/);
  }, 300_000);
});
