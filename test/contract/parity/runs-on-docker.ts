import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { DockerClient } from '../../../src/runtime/docker/docker-client.ts';
import { ensurePauseImage } from '../../../src/runtime/docker/pause-image.ts';
import type { PayloadContainer, PayloadTask } from '../../../src/wire/acs-payload.ts';
import type { TestDockerd } from '../../support/dockerd.ts';
import type { RunOfCase } from './sight.ts';

const MIB = 1024 * 1024;
const MIN_MEMORY_MIB = 4;
const created = z.looseObject({ Id: z.string() });
const waited = z.looseObject({ StatusCode: z.number() });
const inspected = z.looseObject({ LogPath: z.string() });
const logLine = z.looseObject({ log: z.string() });
const textMap = z.record(z.string(), z.unknown());

/**
 * Runs a task the way in which the Amazon ECS agent has dockerd run it (resources.md §12.1): what it makes of the
 * container's own members, the JSON texts of dockerConfig over that, its cgroup over both.
 */
export async function runOnDocker(
  dockerd: TestDockerd,
  task: PayloadTask,
  cgroupParent: string,
): Promise<RunOfCase> {
  const signal = AbortSignal.timeout(60_000);
  const client = new DockerClient(dockerd.socketPath, '1.41');
  const [container] = task.containers ?? [];
  if (container === undefined) throw new Error('the task has no container');
  try {
    await makeVolumes(client, task, signal);
    const pause = await startPause(client, task, cgroupParent, signal);
    const body = createBody(task, container, { cgroupParent, pause });
    const { Id } = await client.call('POST', '/containers/create', created, { body, signal });
    const path = `/containers/${Id}`;
    await client.send('POST', `${path}/start`, { signal });
    const { StatusCode } = await client.call('POST', `${path}/wait`, waited, { signal });
    const { LogPath } = await client.call('GET', `${path}/json`, inspected, { signal });
    const lines = readFileSync(LogPath, 'utf8').trim().split('\n');
    const output = lines.map((line) => logLine.parse(JSON.parse(line)).log).join('');
    for (const one of [Id, ...(pause === undefined ? [] : [pause])])
      await client.send('DELETE', `/containers/${one}`, { query: { v: '1', force: '1' }, signal });
    return { id: Id, exitCode: StatusCode, output, cgroupParent };
  } finally {
    client.close();
  }
}

/** The container that holds what the task shares, as that agent makes it; undefined where nothing is shared. */
async function startPause(
  client: DockerClient,
  { pidMode, ipcMode }: PayloadTask,
  cgroupParent: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (pidMode !== 'task' && ipcMode !== 'task') return undefined;
  const body = {
    Image: await ensurePauseImage(client, signal),
    HostConfig: {
      NetworkMode: 'none',
      CgroupParent: cgroupParent,
      ...(ipcMode === 'task' && { IpcMode: 'shareable' }),
    },
  };
  const { Id } = await client.call('POST', '/containers/create', created, { body, signal });
  await client.send('POST', `/containers/${Id}/start`, { signal });
  return Id;
}

/** Docker's word for a mode of ECS. */
function dockerMode(mode: string, pause: string | undefined): string {
  return mode === 'task' ? `container:${pause}` : mode;
}

function createBody(
  task: PayloadTask,
  container: PayloadContainer,
  { cgroupParent, pause }: { readonly cgroupParent: string; readonly pause: string | undefined },
): object {
  const { config, hostConfig } = container.dockerConfig ?? {};
  const memory = container.memory ?? 0;
  const environment = { AWS_REGION: 'us-west-2', AWS_DEFAULT_REGION: 'us-west-2', ...container.environment };
  return {
    Image: container.image,
    Cmd: container.command,
    Entrypoint: container.entryPoint,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...textMap.parse(JSON.parse(config ?? '{}')),
    HostConfig: {
      ...(memory > 0 && { Memory: Math.max(memory, MIN_MEMORY_MIB) * MIB }),
      CpuShares: Math.max(container.cpu ?? 0, 2),
      Binds: (container.mountPoints ?? []).map((mount) => {
        const source = sourceOf(task, mount.sourceVolume ?? '');
        return `${source}:${mount.containerPath ?? ''}${mount.readOnly ? ':ro' : ''}`;
      }),
      ...textMap.parse(JSON.parse(hostConfig ?? '{}')),
      NetworkMode: task.networkMode,
      ...(task.pidMode && { PidMode: dockerMode(task.pidMode, pause) }),
      ...(task.ipcMode && { IpcMode: dockerMode(task.ipcMode, pause) }),
      CgroupParent: cgroupParent,
    },
  };
}

function sourceOf(task: PayloadTask, name: string): string {
  const volume = (task.volumes ?? []).find((one) => one.name === name);
  return volume?.host?.sourcePath || volumeName(task, name);
}

const volumeName = (task: PayloadTask, name: string) => `parity-${task.arn?.slice(-12) ?? ''}-${name}`;

/** Those without a path of the host; dockerd fills them from the image. */
async function makeVolumes(client: DockerClient, task: PayloadTask, signal: AbortSignal): Promise<void> {
  for (const { name, host } of task.volumes ?? [])
    if (!host?.sourcePath)
      await client.send('POST', '/volumes/create', { body: { Name: volumeName(task, name ?? '') }, signal });
}
