import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { containerdUnderTest } from '../../contract/runtime/containerd-under-test.ts';
import { EventLog, requestOf, runToEnd, script } from '../../contract/runtime/containers.ts';
import { CONTAINERD_VERSIONS } from '../../support/containerd-versions.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

/** A script in the place of an OCI runtime that tells, in a file beside it, that it was called. */
function wrapperOf(scratch: Scratch, program: string): string {
  const wrapper = scratch.path('runtime');
  writeFileSync(wrapper, `#!/bin/sh\necho "$@" >>${wrapper}.log\nexec ${program} "$@"\n`);
  chmodSync(wrapper, 0o755);
  return wrapper;
}

describe('OCI runtimes by name', () => {
  const { signal } = new AbortController();

  it.each(['runc', 'crun'])('runs containers with %s (CTD-23)', async (program) => {
    await using scratch = makeScratch();
    const wrapper = wrapperOf(scratch, program);
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

  it.each(CONTAINERD_VERSIONS)(
    'runs the container that names one by it, and no other of its shim, on containerd %s',
    async (version) => {
      await using scratch = makeScratch();
      const wrapper = wrapperOf(scratch, 'runc');
      await using under = await containerdUnderTest({ version });
      const { runtime } = under;
      const ids = [];
      for (const [name, more] of [
        ['usual', {}],
        ['named', { ociRuntime: wrapper }],
      ] as const) {
        const request = await requestOf(under, name, {
          ...script('trap "exit 9" TERM; sleep 60 & wait'),
          ...more,
        });
        await runtime.createContainer(request, { signal });
        await runtime.startContainer(request.id, { signal });
        ids.push(request.id);
      }
      const made = readFileSync(`${wrapper}.log`, 'utf8')
        .split('\n')
        .filter((line) => line.includes(' create '));
      expect(ids.map((id) => made.filter((line) => line.includes(id)).length)).toEqual([0, 1]);
      for (const id of ids) await runtime.removeContainer(id, { signal });
      await under.expectNothingLeft();
    },
  );

  it.each(CONTAINERD_VERSIONS)(
    'complete a start that was cut off after it had let the process go, and start nothing twice, on containerd %s',
    async (version) => {
      await using scratch = makeScratch();
      const wrapper = scratch.path('runtime');
      // As a `runc start` that is killed between reading the FIFO and removing it, and the one after it.
      const cutStart = 'for id; do :; done; cat "/run/containerd/runc/$NAMESPACE/$id/exec.fifo" >/dev/null';
      await using under = await containerdUnderTest({ version }, { ociRuntime: wrapper });
      writeFileSync(
        wrapper,
        `#!/bin/sh\nNAMESPACE=${under.options.namespace}\ncase " $* " in *" start "*) ${cutStart};; esac\nexec runc "$@"\n`,
      );
      chmodSync(wrapper, 0o755);
      await using log = new EventLog(under.runtime);
      const request = await requestOf(under, 'cut', script('echo started; exec sleep 1000'));
      const { id } = request;
      await under.runtime.createContainer(request, { signal });
      const { pid } = await under.runtime.startContainer(id, { signal: AbortSignal.timeout(20_000) });
      expect(await under.runtime.observeContainer(id, { signal })).toMatchObject({ state: 'running', pid });
      expect(await under.output(id)).toBe('started\n');
      await under.runtime.stopContainer(id, { killAtMs: 0 }, { signal });
      expect(await log.exitOf(id)).toMatchObject({ exitCode: 137 });
      await under.runtime.removeContainer(id, { signal });
      await under.expectNothingLeft();
    },
  );

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
      'echo $$ >> /dev/shm/pids; wc -l < /dev/shm/pids; readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc';
    const member = async (name: string) => {
      const output = await runToEnd(under, name, { ...script(text), pid: held, ipc: held });
      return output.trim().split('\n');
    };
    const [one, ...first] = await member('first');
    const [two, ...second] = await member('second');
    expect([one, two]).toEqual(['1', '2']);
    expect(first).toEqual(second);
    expect(first).toEqual([expect.stringMatching(/^pid:/), expect.stringMatching(/^ipc:/)]);
    await runtime.removeContainer(pause.id, { signal });
    await under.expectNothingLeft();
  });
});
