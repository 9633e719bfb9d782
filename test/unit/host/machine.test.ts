import { describe, expect, it } from 'vitest';
import { detailedOsFamily, observeMachine } from '../../../src/host/machine.ts';

const machineWith = (files: Record<string, string>) =>
  observeMachine(
    async (path) => files[path],
    () => 7,
  );

describe('the machine', () => {
  it.each([
    ['0-3', 4],
    ['0', 1],
    ['0-1,4,6-7', 5],
  ])('has the CPUs that the process may run on: %s', async (list, cpus) => {
    const status = `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\n`;
    expect((await machineWith({ '/proc/self/status': status })).cpus).toBe(cpus);
  });

  it('has the CPUs that the system tells where /proc does not', async () => {
    expect((await machineWith({})).cpus).toBe(7);
  });

  it('has whole MiB of memory, none when it cannot be read', async () => {
    const meminfo = 'MemTotal:       24684543 kB\nMemFree: 1 kB\n';
    expect((await machineWith({ '/proc/meminfo': meminfo })).memoryMiB).toBe(24_105);
    expect((await machineWith({})).memoryMiB).toBe(0);
  });

  it.each([
    ['ID=debian\nVERSION_ID="12"\n', 'debian_12'],
    ["ID='ubuntu'\nVERSION_ID='22.04'\n", 'ubuntu_22.04'],
    ['ID=arch\n', 'linux'],
    ['', 'linux'],
  ])('names its system from os-release', async (text, name) => {
    expect(await detailedOsFamily(async () => text)).toBe(name);
  });
});
