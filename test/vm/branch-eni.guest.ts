import { readdirSync } from 'node:fs';
import { type PlayedEni, PlayedInstance, VPC } from '../support/instance.ts';
import { fetchFrom, inNamespace } from '../support/network-host.ts';
import { run, tryRun } from '../support/run.ts';

/*
 * Runs inside the virtual machine, whose kernel has vlans: makes a branch ENI on a trunk by the CNI plugin, looks at
 * it from both sides and takes it down again; prints one line of JSON. The router has its end of the vlan.
 */

const TRUNK: PlayedEni = { name: 'ens6', mac: '0e:00:00:00:0d:01', ipv4: '10.98.0.30', ipv6: 'fd98::30' };
const BRANCH = '0e:00:00:00:0d:02';
const VLAN = 101;
const ROUTER = '10.97.0.1';
const TASK = `ecs-test-${process.pid}-branch-task`;

await using instance = await PlayedInstance.create('branch');
await instance.plug(TRUNK);
for (const line of [
  `-n ${instance.host.outside} link add link v-${TRUNK.name} name vlan0 type vlan id ${VLAN}`,
  `-n ${instance.host.outside} addr add ${ROUTER}/24 dev vlan0`,
  `-n ${instance.host.outside} link set vlan0 up`,
  `netns add ${TASK}`,
])
  await run('ip', line.split(' '));

const plugin = async (command: string, more: object = {}) => {
  const [program, args] = inNamespace(instance.host.name, '/repo/cni/ecs-branch-eni');
  return await tryRun(program, args, {
    timeoutMs: 120_000,
    input: JSON.stringify({
      cniVersion: '1.1.0',
      name: 'branch',
      type: 'ecs-branch-eni',
      trunkMac: TRUNK.mac,
      vlanId: VLAN,
      mac: BRANCH,
      addresses: ['10.97.0.20/24'],
      gateways: [ROUTER],
      ...more,
    }),
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: 'pause-1',
      CNI_NETNS: `/run/netns/${TASK}`,
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/repo/cni',
      ECS_CNI_NODE: process.execPath,
    },
  });
};
const inTask = (...args: readonly string[]) => run(...inNamespace(TASK, 'ip', args));

try {
  const added = await plugin('ADD');
  const again = await plugin('ADD');
  const seen = {
    added: added.stdout,
    again: again.stdout,
    link: await inTask('-d', '-o', 'link', 'show', 'dev', 'eth0'),
    routes: await inTask('route'),
    hostLinks: await instance.links(),
    reached: (await fetchFrom(TASK, VPC.imds, 80)) !== undefined,
    check: (await plugin('CHECK', { prevResult: JSON.parse(added.stdout) })).stdout,
  };
  const deleted = [(await plugin('DEL')).stdout, (await plugin('DEL')).stdout];
  const links = await run(...inNamespace(TASK, 'ip', ['-o', 'link']));
  console.log(
    JSON.stringify({ ...seen, deleted, taskLinksAfter: links, hostLinksAfter: await instance.links() }),
  );
} finally {
  if (readdirSync('/run/netns').includes(TASK)) await run('ip', ['netns', 'del', TASK]);
}
