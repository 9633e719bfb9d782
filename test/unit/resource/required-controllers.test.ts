import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CgroupfsV1 } from '../../../src/resource/cgroupfs-v1.ts';
import { CgroupfsV2 } from '../../../src/resource/cgroupfs-v2.ts';
import { systemdManager } from '../../../src/resource/systemd-bus.ts';
import { SystemdCgroups } from '../../../src/resource/systemd-cgroups.ts';

const settings = { cpuPeriodUs: 100_000 };
const calls: unknown[] = [];
const manager = systemdManager(async (args) => void calls.push(args));
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ecs-test-cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test.each([
  ['cpuset io memory pids', /no cpu controller/],
  ['cpuset cpu io pids', /no memory controller/],
  ['hugetlb', /no cpu and no memory controller/],
])(
  'does not start on a unified host with the controllers "%s" only (RES-13)',
  async (controllers, message) => {
    writeFileSync(join(root, 'cgroup.controllers'), `${controllers}\n`);
    for (const open of [
      () => CgroupfsV2.open(root, 'ecs', settings),
      () => SystemdCgroups.open(root, 'ecs', settings, manager),
    ])
      await expect(open()).rejects.toMatchObject({
        name: 'CgroupsUnavailableError',
        message: expect.stringMatching(message),
      });
    expect(readdirSync(root)).toEqual(['cgroup.controllers']);
    expect(calls).toEqual([]);
  },
);

test('does not start on a v1 host that lacks a controller, and says how to run without limits', async () => {
  const mounts = [
    { version: 1, mountPoint: join(root, 'cpu'), device: '0:1', options: ['rw', 'cpu'] },
  ] as const;
  await expect(CgroupfsV1.open(mounts, 'ecs', settings)).rejects.toThrow(
    /"memory" is mounted; ECS_ENABLE_TASK_CPU_MEM_LIMIT=false/,
  );
  expect(readdirSync(root)).toEqual([]);
});
