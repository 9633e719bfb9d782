import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { HostNetwork } from '../../../src/network/host-network.ts';
import { containerIdOf } from '../../../src/task/ids.ts';
import { makeScratch } from '../../support/scratch.ts';
import { sampleContainerSpec, sampleTask } from '../../unit/store/sample-task.ts';

/** Needs a process of its own: the umask is the whole process's. */
test('the files of a network are readable for every user of the container, whatever the umask', async () => {
  const scratch = makeScratch();
  onTestFinished(() => scratch.remove());
  for (const path of ['etc/hosts', 'etc/resolv.conf']) {
    const file = join(scratch.path('host'), path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
  }
  const network = new HostNetwork({
    runDir: scratch.path('run'),
    hostRoot: scratch.path('host'),
    hostname: () => 'machine',
  });
  const umask = process.umask(0o077);
  onTestFinished(() => void process.umask(umask));
  const task = { ...sampleTask('t1').spec, networkMode: 'none' as const };
  const id = containerIdOf(task.arn, 'app', 0);
  const { mounts } = await network.prepareContainerNetwork(task, sampleContainerSpec('app'), {
    id,
    signal: new AbortController().signal,
  });
  expect(mounts).toHaveLength(3);
  for (const { source } of mounts) expect(statSync(source).mode & 0o777).toBe(0o644);
});
