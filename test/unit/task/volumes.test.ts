import { describe, expect, it } from 'vitest';
import { containerIdOf } from '../../../src/task/ids.ts';
import type { ContainerSpec } from '../../../src/task/task-spec.ts';
import {
  hostVolumeName,
  type LocalVolume,
  type MountFacts,
  neededVolumes,
  type PlannedMount,
  planMounts,
  type TaskVolume,
  volumeProblem,
} from '../../../src/task/volumes.ts';
import { containerSpec, taskSpec } from './task-story.ts';

const scratch: LocalVolume = {
  kind: 'local',
  name: 'scratch',
  scope: 'task',
  autoprovision: false,
  options: {},
  labels: {},
};
const shared: LocalVolume = { ...scratch, name: 'shared', scope: 'shared' };
const srv: TaskVolume = { kind: 'hostPath', name: 'srv', path: '/srv/data' };

const task = (
  containers: readonly ContainerSpec[],
  volumes: readonly TaskVolume[] = [scratch, shared, srv],
) => taskSpec(containers, { volumes });
const at = (sourceVolume: string, containerPath: string, readonly = false) => ({
  sourceVolume,
  containerPath,
  readonly,
});

function planned(
  over: Partial<ContainerSpec>,
  facts: Partial<MountFacts> = {},
  others: readonly string[] = [],
): readonly PlannedMount[] {
  const app = containerSpec('app', over);
  const spec = task([app, ...others.map((name) => containerSpec(name))]);
  const id = containerIdOf(spec.arn, 'app', 0);
  return planMounts(spec, app, { id, imageVolumes: [], mountsOf: () => [], ...facts });
}

describe('names of volumes', () => {
  it('of a task are ecs-<family>-<version>-<name>-<20 hex>, the same at every look (RES-35, OBS-85, OBS-86)', () => {
    const spec = task([]);
    expect(hostVolumeName(spec, scratch)).toMatch(/^ecs-fam-1-scratch-[0-9a-f]{20}$/);
    expect(hostVolumeName(spec, scratch)).toBe(hostVolumeName(task([]), scratch));
  });

  it('cannot leave the directory of volumes', () => {
    const spec = taskSpec([], { family: '../../x', version: '../1' });
    expect(hostVolumeName(spec, { ...scratch, name: '../../etc' })).not.toContain('/');
    expect(volumeProblem(task([], [{ ...shared, name: '../etc' }]))).toContain('../etc');
    expect(volumeProblem(task([], [{ ...shared, name: '.containers' }]))).toContain('.containers');
  });

  it('that are shared stay as they are (OBS-87)', () => {
    expect(hostVolumeName(task([]), shared)).toBe('shared');
  });
});

describe('a task', () => {
  it('cannot have its own volume provisioned (RES-37)', () => {
    expect(volumeProblem(task([], [{ ...scratch, autoprovision: true }]))).toContain('scratch');
    expect(volumeProblem(task([], [scratch, shared, srv]))).toBeUndefined();
  });

  it('needs its shared volumes, and of its own those that a container mounts', () => {
    expect(neededVolumes(task([containerSpec('app')]))).toEqual([shared]);
    const app = containerSpec('app', { mountPoints: [at('scratch', '/a')] });
    expect(neededVolumes(task([app]))).toEqual([scratch, shared]);
  });
});

describe('mounts of a container', () => {
  it('are its mount points', () => {
    expect(planned({ mountPoints: [at('srv', '/a//b/'), at('shared', '/c', true)] })).toEqual([
      { source: { kind: 'host', path: '/srv/data' }, destination: '/a/b', readonly: false, fill: false },
      {
        source: { kind: 'volume', name: 'shared', anonymous: false },
        destination: '/c',
        readonly: true,
        fill: true,
      },
    ]);
  });

  it('are also those of another container, which its own hide, read-only if wanted', () => {
    const from = [
      { source: { kind: 'host', path: '/x' }, destination: '/a', readonly: false, fill: false },
      {
        source: { kind: 'volume', name: 'v', anonymous: true },
        destination: '/b',
        readonly: false,
        fill: true,
      },
    ] as const;
    const volumesFrom = [{ sourceContainer: 'db', readonly: true }];
    const mounts = planned(
      { volumesFrom, mountPoints: [at('srv', '/a')] },
      { mountsOf: (name) => (name === 'db' ? from : []) },
      ['db'],
    );
    expect(mounts).toEqual([
      { source: { kind: 'host', path: '/srv/data' }, destination: '/a', readonly: false, fill: false },
      { ...from[1], readonly: true, fill: false },
    ]);
  });

  it('are also the volumes of its image, where nothing else is mounted', () => {
    const mounts = planned({ mountPoints: [at('srv', '/data')] }, { imageVolumes: ['/data/', '/cache'] });
    expect(mounts.map(({ destination }) => destination)).toEqual(['/data', '/cache']);
    expect(mounts[1]?.source).toMatchObject({ kind: 'volume', anonymous: true });
  });

  it.each<[string, string, Partial<ContainerSpec>]>([
    [
      'HostConfigError',
      'container app: mount point /a names the volume nix',
      { mountPoints: [at('nix', '/a')] },
    ],
    ['HostConfigError', 'volume srv at "" has no container path', { mountPoints: [at('srv', '')] }],
    ['CannotCreateContainerError', "'a/b' mount path must be absolute", { mountPoints: [at('srv', 'a/b')] }],
    ['CannotCreateContainerError', "destination can't be '/'", { mountPoints: [at('srv', '/..')] }],
    [
      'CannotCreateContainerError',
      'Duplicate mount point: /a',
      { mountPoints: [at('srv', '/a'), at('shared', '/a/')] },
    ],
    [
      'HostConfigError',
      'volumesFrom names the container db',
      { volumesFrom: [{ sourceContainer: 'db', readonly: false }] },
    ],
  ])('that cannot be give a %s: %s', (code, text, over) => {
    expect(() => planned(over)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });

  it('need a host path that is absolute', () => {
    const app = containerSpec('app', { mountPoints: [at('v', '/a')] });
    const spec = task([app], [{ kind: 'hostPath', name: 'v', path: 'relative' }]);
    const id = containerIdOf(spec.arn, 'app', 0);
    expect(() => planMounts(spec, app, { id, imageVolumes: [], mountsOf: () => [] })).toThrow('not absolute');
  });
});
