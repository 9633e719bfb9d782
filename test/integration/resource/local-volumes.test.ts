import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mountPoints } from '../../../src/host/mount-table.ts';
import type { CopiedDirectory } from '../../../src/image/images.ts';
import { LocalVolumes } from '../../../src/resource/volumes/local-volumes.ts';
import type { BindMount } from '../../../src/runtime/runtime.ts';
import { containerIdOf, type TaskArn, taskArn, taskIdOf } from '../../../src/task/ids.ts';
import type { ContainerSpec, TaskSpec } from '../../../src/task/task-spec.ts';
import type { LocalVolume, TaskVolume } from '../../../src/task/volumes.ts';
import { run } from '../../support/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { containerSpec, taskSpec } from '../../unit/task/task-story.ts';

const call = { signal: new AbortController().signal };
const local: LocalVolume = {
  kind: 'local',
  name: 'data',
  scope: 'task',
  autoprovision: false,
  options: {},
  labels: {},
};
const shared: LocalVolume = { ...local, scope: 'shared', autoprovision: true };
const TMPFS = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,mode=1777' };

let scratch: Scratch;
let volumes: LocalVolumes;
beforeEach(() => {
  scratch = makeScratch();
  volumes = open();
});
afterEach(async () => {
  await scratch.remove();
});

function open(matchFullConfiguration = false): LocalVolumes {
  return new LocalVolumes({ directory: scratch.path('volumes'), matchFullConfiguration });
}

function taskOf(id: string, volume: TaskVolume, over: Partial<ContainerSpec> = {}): TaskSpec {
  const mountPoints = [{ sourceVolume: volume.name, containerPath: '/data', readonly: false }];
  return taskSpec([containerSpec('app', { mountPoints, ...over }), containerSpec('side', over)], {
    arn: taskArn(`arn:aws:ecs:us-west-2:123456789012:task/default/${id}`),
    volumes: [volume],
  });
}

const idOf = (arn: TaskArn, name = 'app') => containerIdOf(arn, name, 0);

async function mountsOf(
  task: TaskSpec,
  options: {
    readonly name?: string;
    readonly imageVolumes?: readonly string[];
    readonly fill?: (path: string, directory: string) => Promise<CopiedDirectory>;
  } = {},
): Promise<readonly BindMount[]> {
  const { name = 'app', imageVolumes = [], fill = async () => 'absent' as const } = options;
  const container = task.containers.find((c) => c.name === name) ?? containerSpec(name);
  await volumes.ensureTaskVolumes(task);
  const request = {
    task,
    container,
    id: idOf(task.arn, name),
    idOf: (other: string) => idOf(task.arn, other),
    imageVolumes,
    fill,
  };
  return await volumes.ensureContainerMounts(request, call);
}

const sourceOf = (mounts: readonly BindMount[], destination = '/data') =>
  mounts.find((mount) => mount.destination === destination)?.source ?? '';
const nobody = { knowsContainer: () => false, knowsTask: () => false };

describe('volumes of the host', () => {
  it('of a task are the same at every look and go with it, shared ones stay (RES-36, RES-104)', async () => {
    const task = taskOf('a1', local);
    const source = sourceOf(await mountsOf(task));
    writeFileSync(`${source}/kept`, 'x');
    volumes = open();
    expect(sourceOf(await mountsOf(task))).toBe(source);
    expect(readdirSync(source)).toEqual(['kept']);

    const other = taskOf('a2', { ...shared, name: 'common' });
    const common = sourceOf(await mountsOf(other));
    for (const { arn } of [task, other]) {
      await volumes.removeContainer(idOf(arn), call);
      await volumes.removeTask(taskIdOf(arn), call);
    }
    expect(existsSync(source)).toBe(false);
    expect(existsSync(common)).toBe(true);
    expect(readdirSync(scratch.path('volumes')).sort()).toEqual(['.containers', 'common']);
    expect(readdirSync(scratch.path('volumes/.containers'))).toEqual([]);
  });

  it('that are shared must be there unless they are to be made (RES-38)', async () => {
    const task = taskOf('b1', { ...shared, autoprovision: false });
    expect(volumes.refusal(task)).toContain("volume 'data' does not exist and autoprovision is false");
    await expect(mountsOf(task)).rejects.toMatchObject({ code: 'VolumeError' });
    await mountsOf(taskOf('b2', shared));
    expect(volumes.refusal(task)).toBeUndefined();
    expect(sourceOf(await mountsOf(task))).toBe(scratch.path('volumes/data/_data'));
  });

  it('that are shared are compared by labels and options only when told to (RES-39)', async () => {
    await mountsOf(taskOf('c1', { ...shared, labels: { a: '1' } }));
    const other = taskOf('c2', { ...shared, labels: { a: '2' } });
    await mountsOf(other);
    volumes = open(true);
    expect(volumes.refusal(other)).toContain('labels {"a":"1"}, not {"a":"2"}');
    await expect(mountsOf(other)).rejects.toThrow('labels {"a":"1"}, not {"a":"2"}');
    await mountsOf(taskOf('c3', { ...shared, labels: { a: '1' } }));
  });

  it('make the missing directory of a bind mount with mode 0755, whatever the umask, and never remove it', async () => {
    const path = scratch.path('deep/er/dir');
    const before = process.umask(0o077);
    const task = taskOf('d1', { kind: 'hostPath', name: 'h', path });
    expect(await mountsOf(task).finally(() => process.umask(before))).toEqual([
      { source: path, destination: '/data', readonly: false },
    ]);
    for (const made of ['deep', 'deep/er', 'deep/er/dir'])
      expect(statSync(scratch.path(made)).mode & 0o7777).toBe(0o755);
    await volumes.removeContainer(idOf(task.arn), call);
    await volumes.removeTask(taskIdOf(task.arn), call);
    expect(existsSync(path)).toBe(true);
  });

  it('bind a file as it is', async () => {
    const path = scratch.path('file');
    writeFileSync(path, 'x');
    expect(sourceOf(await mountsOf(taskOf('d2', { kind: 'hostPath', name: 'h', path })))).toBe(path);
    expect(readFileSync(path, 'utf8')).toBe('x');
  });

  it('are filled from the image while empty, and anew when the filling was cut off (RES-40)', async () => {
    const task = taskOf('e1', local);
    const fill = async (path: string, directory: string) => {
      writeFileSync(`${directory}/from-image`, path);
      return 'copied' as const;
    };
    await expect(
      mountsOf(task, {
        fill: async (_, directory) => {
          writeFileSync(`${directory}/half`, '');
          throw new Error('killed');
        },
      }),
    ).rejects.toThrow('killed');
    const source = sourceOf(await mountsOf(task, { fill }));
    expect(readdirSync(source).sort()).toEqual(['from-image', 'half']);
    writeFileSync(`${source}/from-image`, 'changed');
    await mountsOf(task, { fill });
    expect(readFileSync(`${source}/from-image`, 'utf8')).toBe('changed');
  });

  it('of the image have no name, go with the last container that has them, and refuse a file in their place', async () => {
    const task = taskOf('f1', local, { volumesFrom: [] });
    const [app, side] = task.containers;
    const withSide = {
      ...task,
      containers: [app, { ...side, volumesFrom: [{ sourceContainer: 'app', readonly: true }] }],
    } as TaskSpec;
    const source = sourceOf(await mountsOf(withSide, { imageVolumes: ['/cache'] }), '/cache');
    const taken = await mountsOf(withSide, { name: 'side' });
    expect(taken).toContainEqual({ source, destination: '/cache', readonly: true });
    await volumes.removeContainer(idOf(task.arn), call);
    expect(existsSync(source)).toBe(true);
    await volumes.removeContainer(idOf(task.arn, 'side'), call);
    expect(existsSync(source)).toBe(false);

    const refused = mountsOf(taskOf('f2', local), {
      imageVolumes: ['/etc/passwd'],
      fill: async (path) => (path === '/etc/passwd' ? 'notADirectory' : 'absent'),
    });
    await expect(refused).rejects.toThrow('file exists /etc/passwd');
  });

  it('with driver options are mounted while a container may run', async () => {
    const volume = { ...shared, name: 'fast', options: TMPFS };
    const [one, two] = [taskOf('01', volume), taskOf('02', volume)];
    const source = sourceOf(await mountsOf(one));
    expect(await mountPoints()).toContain(source);
    expect(sourceOf(await mountsOf(two))).toBe(source);
    await volumes.releaseContainer(idOf(one.arn), call);
    expect(await mountPoints()).toContain(source);
    await volumes.releaseContainer(idOf(two.arn), call);
    expect(await mountPoints()).not.toContain(source);
    // As after a reboot, between creation and start.
    await volumes.ensureMounted(idOf(one.arn), call);
    expect(await mountPoints()).toContain(source);
    await volumes.removeContainer(idOf(one.arn), call);
    expect(await mountPoints()).not.toContain(source);
  });

  it.each([
    [{ size: '10m' }, 'invalid option "size"'],
    [{ type: 'tmpfs' }, 'missing device'],
    [{ type: 'ext4', device: '/nonexistent' }, 'failed to mount local volume'],
  ])('with the options %j fail with their name', async (options, text) => {
    await expect(mountsOf(taskOf('31', { ...local, options }))).rejects.toThrow(text);
  });

  it('are never removed through a mount', async () => {
    const task = taskOf('41', local);
    const source = sourceOf(await mountsOf(task));
    const precious = scratch.path('precious');
    mkdirSync(precious);
    writeFileSync(`${precious}/file`, 'x');
    mkdirSync(`${source}/with space`);
    await run('mount', ['--bind', precious, `${source}/with space`]);
    await volumes.removeContainer(idOf(task.arn), call);
    await volumes.removeTask(taskIdOf(task.arn), call);
    expect(existsSync(source)).toBe(false);
    expect(readFileSync(`${precious}/file`, 'utf8')).toBe('x');
  });

  it('stay, and their removal is tried again, while something in them is in use', async () => {
    const task = taskOf('51', local);
    const source = sourceOf(await mountsOf(task));
    mkdirSync(`${source}/busy`);
    await run('mount', ['-t', 'tmpfs', 'tmpfs', `${source}/busy`]);
    writeFileSync(`${source}/busy/file`, 'x');
    const here = process.cwd();
    process.chdir(`${source}/busy`);
    await expect(volumes.removeTask(taskIdOf(task.arn), call)).rejects.toThrow('cannot unmount');
    expect(readFileSync('file', 'utf8')).toBe('x');
    process.chdir(here);
    await volumes.removeTask(taskIdOf(task.arn), call);
    expect(existsSync(source)).toBe(false);
  });

  it('whose task nobody knows are swept with what a crash left half-made, shared ones not', async () => {
    const task = taskOf('61', { ...local, options: TMPFS });
    const source = sourceOf(await mountsOf(task, { imageVolumes: ['/cache'] }));
    sourceOf(await mountsOf(taskOf('62', { ...shared, name: 'common' })));
    mkdirSync(scratch.path('volumes/half'));
    writeFileSync(scratch.path('volumes/half/.volume.json.part'), '{');
    mkdirSync(scratch.path('volumes/stranger'));
    writeFileSync(scratch.path('volumes/stranger/file'), '');
    chmodSync(scratch.path('volumes/stranger/file'), 0o600);
    volumes = open();
    await volumes.removeLeftovers(nobody, call);
    expect(await mountPoints()).not.toContain(source);
    expect(readdirSync(scratch.path('volumes')).sort()).toEqual(['.containers', 'common', 'stranger']);
    expect(readdirSync(scratch.path('volumes/.containers'))).toEqual([]);
  });
});
