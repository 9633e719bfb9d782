import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { containerdUnderTest } from '../../contract/runtime/containerd-under-test.ts';
import { EventLog, requestOf, runToEnd, script } from '../../contract/runtime/containers.ts';
import { makeScratch } from '../../support/scratch.ts';

describe('OCI runtimes by name', () => {
  const { signal } = new AbortController();

  it.each(['runc', 'crun'])('runs containers with %s (CTD-23)', async (program) => {
    await using scratch = makeScratch();
    // A script in its place that tells that it was called.
    const wrapper = scratch.path('runtime');
    writeFileSync(wrapper, `#!/bin/sh\necho "$@" >>${wrapper}.log\nexec ${program} "$@"\n`);
    chmodSync(wrapper, 0o755);
    await using under = await containerdUnderTest({ hideCgroup2: true }, { ociRuntime: wrapper });
    const { runtime } = under;
    await using log = new EventLog(runtime);
    const request = await requestOf(under, 'named', {
      ...script('trap "exit 9" TERM; id -un; pwd; touch /ready; while true; do sleep 0.05; done'),
      user: 'root',
      workingDirectory: '/made/here',
      limits: { cpuShares: 128, memoryBytes: 64 * 1024 * 1024 },
    });
    const { id } = request;
    await runtime.createContainer(request, { signal });
    await runtime.startContainer(id, { signal });
    const test = { args: ['test', '-e', '/ready'], outputLimit: 10 };
    await expect.poll(async () => (await runtime.exec(id, test, { signal })).exitCode).toBe(0);
    expect((await runtime.exec(id, { args: ['/no/such'], outputLimit: 500 }, { signal })).exitCode).toBe(127);
    expect(await runtime.stopContainer(id, { killAtMs: Date.now() + 60_000 }, { signal })).toMatchObject({
      exitCode: 9,
    });
    await log.exitOf(id);
    expect(await under.output(id)).toBe('root\n/made/here\n');
    await runtime.removeContainer(id, { signal });
    await under.expectNothingLeft();
    expect(readFileSync(`${wrapper}.log`, 'utf8')).toMatch(/ create /);
  });

  it('joins namespaces with crun too, and shares their /dev/shm (RES-84)', async () => {
    await using under = await containerdUnderTest({ hideCgroup2: true }, { ociRuntime: 'crun' });
    const { runtime } = under;
    const pause = await requestOf(under, 'holder', {
      pause: true,
      ipc: { kind: 'shareable' },
      stdio: { kind: 'null' },
    });
    await runtime.createContainer(pause, { signal });
    await runtime.startContainer(pause.id, { signal });
    const held = { kind: 'container', id: pause.id } as const;
    const text =
      'echo $$ >> /dev/shm/pids; wc -l < /dev/shm/pids; readlink /proc/self/ns/pid /proc/self/ns/ipc';
    const member = async (name: string) => {
      const output = await runToEnd(under, name, { ...script(text), pid: held, ipc: held });
      return output.trim().split('\n');
    };
    const [one, ...first] = await member('first');
    const [two, ...second] = await member('second');
    expect([one, two]).toEqual(['1', '2']);
    expect(first).toEqual(second);
    await runtime.removeContainer(pause.id, { signal });
    await under.expectNothingLeft();
  });
});
