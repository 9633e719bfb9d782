import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { awsvpcTask, eniOf, inTask, netnsOf } from '../integration/network/awsvpc-stage.ts';
import { fetchFrom, inNamespace, NetworkHost, servePorts } from '../support/network-host.ts';
import { run, tryRun } from '../support/run.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

/*
 * Runs inside the virtual machine, whose kernel has vlans: makes a branch ENI on a trunk by the CNI plugin, looks at
 * it from both sides and takes it down again; then lets the agent's network do the same and die before every change
 * that it makes; prints one line of JSON. The router has its end of the vlan.
 */

const TRUNK = '0e:00:00:00:0d:01';
const BRANCH = '0e:00:00:00:0d:02';
const VLAN = 101;
const ROUTER = '10.97.0.1';
const AGENT = fileURLToPath(new URL('../integration/network/awsvpc-child.ts', import.meta.url));
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
const ipInTask = (...args: readonly string[]) => run(...inNamespace(TASK, 'ip', args));

try {
  const added = await plugin('ADD');
  const again = await plugin('ADD');
  const seen = {
    added: added.stdout,
    again: again.stdout,
    link: await ipInTask('-d', '-o', 'link', 'show', 'dev', 'eth0'),
    routes: await ipInTask('route'),
    hostLinks: await host.run('ip', '-o', 'link', 'show'),
    reached: await until(async () => await fetchFrom(TASK, ROUTER, 8000), {
      what: 'the router answers',
      timeoutMs: 120_000,
    }),
    check: (await plugin('CHECK', { prevResult: JSON.parse(added.stdout) })).stdout,
  };
  const deleted = [(await plugin('DEL')).stdout, (await plugin('DEL')).stdout];
  const links = await run(...inNamespace(TASK, 'ip', ['-o', 'link']));
  const hostLinksAfter = await host.run('ip', '-o', 'link', 'show');
  const deaths = await dieEverywhere();
  console.log(JSON.stringify({ ...seen, deleted, taskLinksAfter: links, hostLinksAfter, deaths }));
} finally {
  if (readdirSync('/run/netns').includes(TASK)) await run('ip', ['netns', 'del', TASK]);
}

/** What is there after each death of the agent and another run of it, by turns one that goes on and one that ends it. */
async function dieEverywhere() {
  await using scratch = makeScratch();
  const eni = eniOf(
    { name: '', mac: BRANCH, ipv4: '10.97.0.21', ipv6: '' },
    {
      ipv6Addresses: [],
      subnetGatewayIpv4: `${ROUTER}/24`,
      branch: { trunkMacAddress: TRUNK, vlanId: VLAN },
    },
  );
  const task = awsvpcTask('b1', eni);
  const agent = async (ACTION: 'ensure' | 'remove', killAt = 0) => {
    const [program, args] = host.command(process.execPath, [AGENT]);
    const { exitCode, stderr } = await tryRun(program, args, {
      timeoutMs: 120_000,
      env: {
        ACTION,
        TASK: JSON.stringify(task),
        NAMESPACE: host.name,
        RUN_DIR: scratch.path('run'),
        KILL_AT: String(killAt),
        // Emulated, most of an agent's time goes into reading its sources.
        NODE_COMPILE_CACHE: scratch.path('compile-cache'),
      },
    });
    if (exitCode !== 0 && exitCode !== null) throw new Error(`${ACTION} ended with ${exitCode}: ${stderr}`);
    return exitCode === 0;
  };
  const records = scratch.path('run/awsvpc/tasks');
  const remains = async () => ({
    onHost: (await host.run('ip', '-o', 'link')).includes(BRANCH),
    namespace: readdirSync('/run/netns').includes(netnsOf(host.name, task)),
    record: existsSync(records) && readdirSync(records).length > 0,
  });
  const deaths = [];
  for (let killAt = 1, isDone = false; !isDone && killAt < 30; killAt++) {
    isDone = await agent('ensure', killAt);
    if (killAt % 2 === 0) {
      await agent('ensure');
      const link = await inTask(host.name, task, 'ip', '-d', '-o', 'link', 'show', 'dev', 'eth0');
      const gateway = await inTask(host.name, task, 'ip', 'route', 'show', 'default');
      await agent('remove', killAt / 2);
      deaths.push({ killAt, completed: { link, gateway } });
    }
    await agent('remove');
    deaths.push({ killAt, remains: await remains() });
  }
  return deaths;
}
