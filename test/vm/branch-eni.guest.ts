import { readdirSync } from 'node:fs';
import { fetchFrom, inNamespace, NetworkHost, servePorts } from '../support/network-host.ts';
import { run, tryRun } from '../support/run.ts';
import { until } from '../support/until.ts';

/*
 * Runs inside the virtual machine, whose kernel has vlans: makes a branch ENI on a trunk by the CNI plugin, looks at
 * it from both sides and takes it down again; prints one line of JSON. The router has its end of the vlan.
 */

const TRUNK = '0e:00:00:00:0d:01';
const BRANCH = '0e:00:00:00:0d:02';
const VLAN = 101;
const ROUTER = '10.97.0.1';
const TASK = `ecs-test-${process.pid}-branch-task`;

await using host = await NetworkHost.create('branch');
for (const line of [
  `-n ${host.name} link set up0 address ${TRUNK}`,
  `-n ${host.outside} link add link up0 name vlan0 type vlan id ${VLAN}`,
  `-n ${host.outside} addr add ${ROUTER}/24 dev vlan0`,
  `-n ${host.outside} link set vlan0 up`,
  `netns add ${TASK}`,
])
  await run('ip', line.split(' '));
using _router = servePorts(host.outside, 'router', 'tcp:8000');

const plugin = async (command: string, more: object = {}) => {
  const [program, args] = inNamespace(host.name, '/repo/cni/ecs-branch-eni');
  return await tryRun(program, args, {
    timeoutMs: 120_000,
    input: JSON.stringify({
      cniVersion: '1.1.0',
      name: 'branch',
      type: 'ecs-branch-eni',
      trunkMac: TRUNK,
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
    hostLinks: await host.run('ip', '-o', 'link', 'show'),
    reached: await until(async () => await fetchFrom(TASK, ROUTER, 8000), {
      what: 'the router answers',
      timeoutMs: 120_000,
    }),
    check: (await plugin('CHECK', { prevResult: JSON.parse(added.stdout) })).stdout,
  };
  const deleted = [(await plugin('DEL')).stdout, (await plugin('DEL')).stdout];
  const links = await run(...inNamespace(TASK, 'ip', ['-o', 'link']));
  console.log(
    JSON.stringify({
      ...seen,
      deleted,
      taskLinksAfter: links,
      hostLinksAfter: await host.run('ip', '-o', 'link', 'show'),
    }),
  );
} finally {
  if (readdirSync('/run/netns').includes(TASK)) await run('ip', ['netns', 'del', TASK]);
}
