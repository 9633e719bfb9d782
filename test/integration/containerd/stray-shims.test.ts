import { closeSync, constants, openSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerRuntime } from '../../../src/runtime/runtime.ts';
import {
  type ContainerdUnderTest,
  containerdUnderTest,
} from '../../contract/runtime/containerd-under-test.ts';
import { EventLog, requestOf, script } from '../../contract/runtime/containers.ts';
import { CONTAINERD_VERSIONS } from '../../support/containerd-versions.ts';
import { isAlive, shimProcesses } from '../../support/processes.ts';
import { run } from '../../support/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

const GROUP = 'io.containerd.runc.v2.group';

describe.each(CONTAINERD_VERSIONS)('a shim that containerd %s does not know', (version) => {
  const { signal } = new AbortController();
  let under: ContainerdUnderTest;
  let runtime: ContainerRuntime;
  beforeAll(async () => {
    under = await containerdUnderTest({ version });
    ({ runtime } = under);
  });
  afterAll(async () => {
    await under[Symbol.asyncDispose]();
  });

  /** Starts the shim of a group for its container `id` as containerd does; it waits at its log, which nobody reads. */
  async function startShim(scratch: Scratch, group: string, id: string) {
    const { containerd, options } = under;
    const cwd = scratch.directory;
    writeFileSync(join(cwd, 'config.json'), JSON.stringify({ annotations: { [GROUP]: group } }));
    await run('mkfifo', ['log'], { cwd });
    const known = shimProcesses(containerd.address).map(({ pid }) => pid);
    const shim = join(containerd.binaries, 'containerd-shim-runc-v2');
    const place = ['-namespace', options.namespace, '-address', containerd.address];
    const answer = await run(
      shim,
      [...place, '-publish-binary', join(containerd.binaries, 'containerd'), '-id', id, 'start'],
      { cwd, env: { TTRPC_ADDRESS: `${containerd.address}.ttrpc` } },
    );
    const [started] = shimProcesses(containerd.address).filter(({ pid }) => !known.includes(pid));
    if (started === undefined) throw new Error('it is not there');
    const socket = /unix:\/\/([^"\s]+)/.exec(answer)?.[1];
    if (socket === undefined) throw new Error(`it has no socket: ${answer}`);
    await until(() => openTimes(started.pid) > 0, { what: 'it waits at its log' });
    return { pid: started.pid, socket, log: join(cwd, 'log') };
  }

  /** How many descriptors a shim has of its log. */
  function openTimes(pid: number): number {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).filter((fd) => readlinkSync(join(folder, fd)).endsWith('/log')).length;
  }

  it('and that waits for a dead one to open its log is ended, and the tasks are made by another (CTD-30)', async () => {
    const inGroup = { ...script('echo made; exit 6'), group: 'silent' };
    const requests = [
      await requestOf(under, 'silent-a', inGroup),
      await requestOf(under, 'silent-b', inGroup),
    ];
    const scratch = makeScratch();
    const shim = await startShim(scratch, inGroup.group, 'first-of-its-group');
    await scratch.remove();
    for (const request of requests) await runtime.createContainer(request, { signal });
    await using log = new EventLog(runtime);
    await log.live();
    // Both wait for it, and only one can end it.
    const started = requests.map(({ id }) =>
      runtime.startContainer(id, { signal: AbortSignal.timeout(20_000) }),
    );
    await Promise.all(started);
    expect(isAlive(shim.pid)).toBe(false);
    for (const { id } of requests) {
      expect(await log.exitOf(id)).toMatchObject({ exitCode: 6 });
      expect(await under.output(id)).toBe('made\n');
      await runtime.removeContainer(id, { signal });
    }
    await under.expectNothingLeft();
  });

  it('because it lost its socket to another of its task is ended with its container, and no other', async () => {
    const inGroup = { ...script('exec sleep 1000'), group: 'twice' };
    const first = await requestOf(under, 'twice-first', inGroup);
    const second = await requestOf(under, 'twice-second', inGroup);
    await using scratch = makeScratch();
    const shim = await startShim(scratch, inGroup.group, first.id);
    const reader = openSync(shim.log, constants.O_RDONLY | constants.O_NONBLOCK);
    await until(() => openTimes(shim.pid) > 1, { what: 'it has begun' });
    rmSync(shim.socket);
    for (const request of [first, second]) {
      await runtime.createContainer(request, { signal });
      await runtime.startContainer(request.id, { signal });
    }
    expect(isAlive(shim.pid)).toBe(true);
    await runtime.removeContainer(first.id, { signal });
    expect(isAlive(shim.pid)).toBe(false);
    closeSync(reader);
    expect((await runtime.observeContainer(second.id, { signal })).state).toBe('running');
    await runtime.removeContainer(second.id, { signal });
    await under.expectNothingLeft();
  });
});
