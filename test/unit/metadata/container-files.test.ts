import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContainerFiles } from '../../../src/metadata/container-file/container-files.ts';
import { EndpointIds } from '../../../src/metadata/endpoint-ids.ts';
import { containerDisplayName, containerIdOf, taskIdOf } from '../../../src/task/ids.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { sampleContainerSpec, sampleContainerState, sampleTask } from '../store/sample-task.ts';

const TASK = sampleTask('one', {
  containers: [
    {
      ...sampleContainerState('app'),
      imageId: 'sha256:1',
      addresses: { ipv4: '172.17.0.2' },
      portBindings: [{ bindIp: '0.0.0.0', containerPort: 80, hostPort: 32_768, protocol: 'tcp' }],
    },
  ],
});
const APP = sampleContainerSpec('app');
const EARLY = {
  Cluster: 'c',
  ContainerInstanceARN: 'arn:i',
  TaskARN: TASK.spec.arn,
  TaskDefinitionFamily: 'web',
  TaskDefinitionRevision: '3',
};
const HOST = { AvailabilityZone: 'us-west-2a', HostPrivateIPv4Address: '10.0.0.5' };

describe('the metadata file of a container', () => {
  let scratch: Scratch;
  const troubles: unknown[] = [];
  beforeEach(() => {
    scratch = makeScratch();
    troubles.length = 0;
  });
  afterEach(() => scratch[Symbol.asyncDispose]());

  const open = (directory = scratch.path('metadata')) =>
    new ContainerFiles({
      directory,
      ids: new EndpointIds('0a'.repeat(32)),
      instance: async () => ({
        cluster: 'c',
        containerInstanceArn: 'arn:i',
        availabilityZone: 'us-west-2a',
        privateIpv4: '10.0.0.5',
        publicIpv4: '',
      }),
      onTrouble: (error) => troubles.push(error),
    });
  const place = () => scratch.path('metadata/default/one/app/ecs-container-metadata.json');
  const read = () => readFileSync(place(), 'utf8');

  it('tells before the start what is known by then, without a status (TMDS-128)', async () => {
    await open().prepare(TASK.spec, APP);
    expect(JSON.parse(read())).toEqual({ ...EARLY, ContainerName: 'app', ...HOST });
    expect(statSync(place()).mode & 0o777).toBe(0o644);
  });

  it('tells everything of one that runs, and that it is READY (TMDS-128, RES-106)', async () => {
    const files = open();
    await files.prepare(TASK.spec, APP);
    await files.complete(TASK, 'app');
    const id = containerIdOf(TASK.spec.arn, 'app', 0);
    expect(read()).toMatch(/^\{\n\t"Cluster": "c",\n/);
    expect(Object.entries(JSON.parse(read()))).toEqual(
      Object.entries({
        ...EARLY,
        ContainerID: id,
        ContainerName: 'app',
        DockerContainerName: `/${containerDisplayName('web', '3', 'app', id)}`,
        ImageID: 'sha256:1',
        ImageName: 'registry.example.com/app:1',
        PortMappings: [{ ContainerPort: 80, HostPort: 32_768, BindIp: '0.0.0.0', Protocol: 'tcp' }],
        Networks: [{ NetworkMode: 'host', IPv4Addresses: ['172.17.0.2'] }],
        MetadataFileStatus: 'READY',
        ...HOST,
      }),
    );
  });

  it('is never seen half-written: another file takes its place (TMDS-79)', async () => {
    const files = open();
    await files.prepare(TASK.spec, APP);
    const before = statSync(place()).ino;
    await files.complete(TASK, 'app');
    expect(statSync(place()).ino).not.toBe(before);
    expect(readdirSync(scratch.path('metadata/default/one/app'))).toEqual(['ecs-container-metadata.json']);
  });

  it('is under one name whenever it is asked for, which its variable tells (RES-54)', async () => {
    const [first, again] = [await open().prepare(TASK.spec, APP), await open().prepare(TASK.spec, APP)];
    expect(again).toEqual(first);
    expect(first?.mount.destination).toMatch(/^\/opt\/ecs\/metadata\/[0-9a-f-]{36}$/);
    expect(first?.environment).toEqual({
      ECS_CONTAINER_METADATA_FILE: `${first?.mount.destination}/ecs-container-metadata.json`,
    });
  });

  it('goes with its task, and when nobody knows the task (TMDS-129)', async () => {
    const files = open();
    await files.prepare(TASK.spec, APP);
    const knows = (known: boolean) => ({ knowsContainer: () => known, knowsTask: () => known });
    await files.removeLeftovers(knows(true));
    expect(existsSync(place())).toBe(true);
    const asked: string[] = [];
    await files.removeLeftovers({ knowsContainer: () => false, knowsTask: (id) => asked.push(id) < 0 });
    expect(asked).toEqual([taskIdOf(TASK.spec.arn)]);
    expect(readdirSync(scratch.path('metadata'))).toEqual([]);
    await files.prepare(TASK.spec, APP);
    await files.removeTask(TASK.spec.arn);
    expect(readdirSync(scratch.path('metadata'))).toEqual([]);
    expect(troubles).toEqual([]);
  });

  it('that cannot be written is told, and costs nobody anything', async () => {
    // A file stands where the directory would have to be.
    writeFileSync(scratch.path('taken'), '');
    const files = open(scratch.path('taken'));
    expect(await files.prepare(TASK.spec, APP)).toBeUndefined();
    await files.complete(TASK, 'app');
    await files.removeLeftovers({ knowsContainer: () => false, knowsTask: () => false });
    expect(troubles).toHaveLength(2);
  });
});
