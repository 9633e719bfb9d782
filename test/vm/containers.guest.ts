import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cgroupOf } from '../../src/runtime/containerd/container-cgroup.ts';
import type { CgroupParent } from '../../src/runtime/runtime.ts';
import { containerdUnderTest } from '../contract/runtime/containerd-under-test.ts';
import { EventLog, requestOf, script } from '../contract/runtime/containers.ts';
import { run } from '../support/run.ts';
import { appArmorEffects } from './apparmor-effects.ts';
import { cgroupEffects } from './cgroup-effects.ts';

/*
 * Runs inside the virtual machine: starts containers with each OCI runtime and cgroup driver and prints what the
 * kernel says of them, then what it does to those that go beyond a limit or their AppArmor profile; a line of JSON
 * each. All in one machine: its start takes as long as ten containers.
 *
 *   --oci-runtimes=runc,crun --beyond-limits=cgroupfs,systemd --apparmor
 */

const MIB = 1024 * 1024;
const DRIVERS: readonly CgroupParent[] = [
  { driver: 'cgroupfs', path: '/ecs-vm/0123' },
  { driver: 'systemd', slice: 'ecsvm-0123.slice' },
];
const { signal } = new AbortController();
const { values } = parseArgs({
  options: {
    'oci-runtimes': { type: 'string', default: '' },
    'beyond-limits': { type: 'string', default: '' },
    apparmor: { type: 'boolean', default: false },
  },
});

// The agent makes a task's slice through systemd; one that came with its first scope would go with its last.
await run('systemctl', ['start', 'ecsvm-0123.slice']);

for (const ociRuntime of values['oci-runtimes'].split(',')) {
  await using under = await containerdUnderTest({}, { ociRuntime });
  for (const cgroup of DRIVERS) {
    const seen = {
      ociRuntime,
      driver: cgroup.driver,
      ...(await limits(cgroup)),
      ...(await outOfMemory(cgroup)),
    };
    await under.expectNothingLeft();
    print('limits', seen);
  }
  if (ociRuntime === 'runc') {
    for (const { driver } of DRIVERS)
      if (values['beyond-limits'].split(',').includes(driver))
        print('effects', { driver, ...(await cgroupEffects(under, driver)) });
    if (values.apparmor) print('apparmor', await appArmorEffects(under));
    await under.expectNothingLeft();
  }

  async function limits(parent: CgroupParent) {
    const request = await requestOf(under, `limits-${parent.driver}`, {
      ...script('cat /proc/self/cgroup; sleep 1000'),
      cgroup: parent,
      limits: { cpuShares: 512, memoryBytes: 64 * MIB, memoryReservationBytes: 32 * MIB },
    });
    const { id } = request;
    await under.runtime.createContainer(request, { signal });
    const { pid } = await under.runtime.startContainer(id, { signal });
    const folders = await cgroupOf(pid, id);
    if (folders === undefined)
      throw new Error(`no cgroup of ${id}: ${readFileSync(`/proc/${pid}/cgroup`, 'utf8')}`);
    const read = (file: string) => readFileSync(join(folders.processes, file), 'utf8').trim();
    const values = {
      folder: folders.processes,
      id,
      memoryMax: read('memory.max'),
      memoryLow: read('memory.low'),
      swapMax: read('memory.swap.max'),
      cpuWeight: Number(read('cpu.weight')),
    };
    const exit = await under.runtime.stopContainer(id, { killAtMs: 0 }, { signal });
    const ownView = (await under.output(id)).trim();
    await under.runtime.removeContainer(id, { signal });
    return { ...values, ownView, stopCode: exit?.exitCode };
  }

  async function outOfMemory(parent: CgroupParent) {
    await using log = new EventLog(under.runtime);
    const request = await requestOf(under, `oom-${parent.driver}`, {
      ...script('exec dd if=/dev/zero of=/dev/null bs=200M count=1'),
      cgroup: parent,
      // More than the OCI runtime itself needs until the program runs: runc copies its binary into it.
      limits: { cpuShares: 128, memoryBytes: 48 * MIB },
    });
    await under.runtime.createContainer(request, { signal });
    await under.runtime.startContainer(request.id, { signal });
    const { exitCode, oomKilled } = await log.exitOf(request.id, 120_000);
    await under.runtime.removeContainer(request.id, { signal });
    return { oomCode: exitCode, oomKilled };
  }
}
process.exit(0);

function print(part: string, seen: object): void {
  console.log(JSON.stringify({ part, ...seen }));
}
