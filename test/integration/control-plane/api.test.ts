import { readFileSync } from 'node:fs';
import {
  CreateClusterCommand,
  DeleteClusterCommand,
  DeregisterTaskDefinitionCommand,
  DescribeClustersCommand,
  DescribeContainerInstancesCommand,
  DescribeTaskDefinitionCommand,
  ListClustersCommand,
  ListContainerInstancesCommand,
  ListServicesCommand,
  ListTagsForResourceCommand,
  ListTaskDefinitionFamiliesCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  SubmitAttachmentStateChangesCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateContainerInstancesStateCommand,
} from '@aws-sdk/client-ecs';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../../src/control-plane/api-error.ts';
import { AgentDouble, call } from './agent-double.ts';
import { client, type Stage, stage } from './stage.ts';

const CLUSTER_ARN = 'arn:aws:ecs:us-west-2:123456789012:cluster/c';

async function withCluster(options: Parameters<typeof stage>[0] = {}): Promise<Stage> {
  const on = await stage(options);
  await on.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
  return on;
}

describe('clusters', () => {
  test('are created once, described, listed and deleted', async () => {
    await using on = await withCluster();
    const again = await on.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
    expect(again.cluster).toMatchObject({ clusterArn: CLUSTER_ARN, status: 'ACTIVE', runningTasksCount: 0 });
    const described = await on.ecs.send(new DescribeClustersCommand({ clusters: ['c', CLUSTER_ARN, 'x'] }));
    expect(described.clusters).toHaveLength(2);
    expect(described.failures).toEqual([
      { arn: 'arn:aws:ecs:us-west-2:123456789012:cluster/x', reason: 'MISSING' },
    ]);
    expect((await on.ecs.send(new ListClustersCommand({}))).clusterArns).toEqual([CLUSTER_ARN]);
    await AgentDouble.register(on, 'c');
    await expect(on.ecs.send(new DeleteClusterCommand({ cluster: 'c' }))).rejects.toMatchObject({
      name: 'ClusterContainsContainerInstancesException',
    });
  });

  test('that are unknown give ClusterNotFoundException (CP-03)', async () => {
    await using on = await stage();
    await expect(on.ecs.send(new ListTasksCommand({ cluster: 'x' }))).rejects.toMatchObject({
      name: 'ClusterNotFoundException',
      message: 'Cluster not found.',
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('are given out in pages', async () => {
    await using on = await stage();
    for (const clusterName of ['a', 'b', 'c']) await on.ecs.send(new CreateClusterCommand({ clusterName }));
    const first = await on.ecs.send(new ListClustersCommand({ maxResults: 2 }));
    expect(first.clusterArns).toHaveLength(2);
    const second = await on.ecs.send(new ListClustersCommand({ maxResults: 2, nextToken: first.nextToken }));
    expect(second).toMatchObject({ clusterArns: [CLUSTER_ARN] });
    expect(second.nextToken).toBeUndefined();
  });
});

describe('registration', () => {
  const recorded = readFileSync('test/golden/01-registration.jsonl', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter(({ op }) => op === 'RegisterContainerInstance');
  const request = { ...recorded.find(({ dir }) => dir === 'in').body, cluster: 'c' };
  const answer = recorded.find(({ dir }) => dir === 'out').body.containerInstance;

  test('echoes every attribute and shows the instance as recorded (CP-01)', async () => {
    await using on = await withCluster();
    const { body } = await call(on.controlPlane.url, 'RegisterContainerInstance', request);
    const { containerInstance } = body;
    expect(containerInstance.attributes).toEqual(expect.arrayContaining(request.attributes));
    expect(Object.keys(containerInstance)).toEqual(expect.arrayContaining(Object.keys(answer)));
    expect(containerInstance).toMatchObject({
      containerInstanceArn: expect.stringMatching(
        /^arn:aws:ecs:us-west-2:123456789012:container-instance\/c\/[0-9a-f]{32}$/,
      ),
      ec2InstanceId: answer.ec2InstanceId,
      status: 'ACTIVE',
      registeredResources: answer.registeredResources,
      remainingResources: answer.remainingResources,
    });
  });

  test('adds the availability zone, of the identity document or of the region (CP-21)', async () => {
    await using on = await withCluster();
    const zoneOf = async (input: object) => {
      const { body } = await call(on.controlPlane.url, 'RegisterContainerInstance', { ...request, ...input });
      return body.containerInstance.attributes.find(
        ({ name }: { name: string }) => name === 'ecs.availability-zone',
      ).value;
    };
    const document = request.instanceIdentityDocument.replace('us-west-2a', 'us-west-2c');
    expect(await zoneOf({ instanceIdentityDocument: document, clientToken: 'a' })).toBe('us-west-2c');
    expect(await zoneOf({ instanceIdentityDocument: '', clientToken: 'b' })).toBe('us-west-2a');
  });

  test('with the same clientToken gives the same instance (CP-02)', async () => {
    await using on = await withCluster();
    const register = async (clientToken: string) =>
      (await AgentDouble.register(on, 'c', { clientToken })).arn;
    expect(await register('one')).toBe(await register('one'));
    expect(await register('two')).not.toBe(await register('one'));
  });

  test('in an unknown cluster is a ClientException: Cluster not found. (CP-22, CP-23)', async () => {
    await using on = await withCluster();
    const { status, headers, body } = await call(on.controlPlane.url, 'RegisterContainerInstance', {
      ...request,
      cluster: 'x',
    });
    expect([status, body]).toEqual([400, { __type: 'ClientException', message: 'Cluster not found.' }]);
    expect(headers.get('x-amzn-errortype')).toBe('ClientException');
  });

  test('again updates in place and keeps custom attributes', async () => {
    await using on = await withCluster();
    const { arn } = await AgentDouble.register(on, 'c', {
      attributes: [
        { name: 'rack', value: 'b7' },
        { name: 'ecs.capability.mine', value: 'by hand' },
        { name: 'ecs.capability.first' },
        { name: 'ecs.capability.old' },
      ],
    });
    const namesAgain = async (...sent: readonly string[]) => {
      const again = await AgentDouble.register(on, 'c', {
        containerInstanceArn: arn,
        attributes: sent.map((name) => ({ name })),
      });
      expect(again.arn).toBe(arn);
      const { containerInstances } = await on.ecs.send(
        new DescribeContainerInstancesCommand({ cluster: 'c', containerInstances: [arn] }),
      );
      return containerInstances?.[0]?.attributes?.map(({ name }) => name);
    };
    const sent = ['ecs.capability.first', 'ecs.capability.new'];
    for (const names of [await namesAgain(...sent), await namesAgain(...sent)]) {
      expect(names).toEqual(expect.arrayContaining(['rack', 'ecs.capability.mine', ...sent]));
      expect(names).not.toContain('ecs.capability.old');
    }
    // What is first now was not there before: names of ECS's own count for its own.
    const others = await namesAgain('ecs.capability.other');
    expect(others).toContain('rack');
    expect(others).not.toContain('ecs.capability.new');
  });

  test('of an instance whose type changed is refused', async () => {
    await using on = await withCluster();
    const first = await call(on.controlPlane.url, 'RegisterContainerInstance', request);
    const { body } = await call(on.controlPlane.url, 'RegisterContainerInstance', {
      ...request,
      clientToken: 'other',
      containerInstanceArn: first.body.containerInstance.containerInstanceArn,
      instanceIdentityDocument: request.instanceIdentityDocument.replace('m5.large', 'm5.xlarge'),
    });
    expect(body.message).toContain('Container instance type changes are not supported.');
  });

  test('is followed by an endpoint at the address that was called', async () => {
    await using on = await withCluster();
    const { arn } = await AgentDouble.register(on, 'c');
    const { body } = await call(on.controlPlane.url, 'DiscoverPollEndpoint', {
      cluster: 'c',
      containerInstance: arn,
      zoneId: '',
    });
    expect(body).toMatchObject({
      endpoint: `${on.controlPlane.url}/acs/`,
      telemetryEndpoint: `${on.controlPlane.url}/tcs/`,
    });
  });
});

test('container instances are drained and listed by status', async () => {
  await using on = await withCluster();
  const { arn } = await AgentDouble.register(on, 'c');
  const { containerInstances, failures } = await on.ecs.send(
    new UpdateContainerInstancesStateCommand({
      cluster: 'c',
      containerInstances: [arn, 'f'.repeat(32)],
      status: 'DRAINING',
    }),
  );
  expect(containerInstances).toMatchObject([{ containerInstanceArn: arn, status: 'DRAINING' }]);
  expect(failures).toMatchObject([{ reason: 'MISSING' }]);
  const list = async (status?: 'ACTIVE' | 'DRAINING') =>
    (await on.ecs.send(new ListContainerInstancesCommand({ cluster: 'c', status }))).containerInstanceArns;
  expect(await list()).toEqual([arn]);
  expect(await list('ACTIVE')).toEqual([]);
  expect(await list('DRAINING')).toEqual([arn]);
});

describe('task definitions', () => {
  const container = { name: 'app', image: 'busybox', memory: 8 };
  const register = async (on: Stage, family: string) =>
    await on.ecs.send(new RegisterTaskDefinitionCommand({ family, containerDefinitions: [container] }));

  test('have revisions and are found by family, family:revision and ARN', async () => {
    await using on = await stage();
    const first = await register(on, 'web');
    expect(first.taskDefinition).toMatchObject({
      taskDefinitionArn: 'arn:aws:ecs:us-west-2:123456789012:task-definition/web:1',
      revision: 1,
      status: 'ACTIVE',
      containerDefinitions: [{ ...container, cpu: 0, essential: true, portMappings: [] }],
    });
    await register(on, 'web');
    const revisionOf = async (taskDefinition: string) =>
      (await on.ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }))).taskDefinition?.revision;
    expect(await revisionOf('web')).toBe(2);
    expect(await revisionOf('web:1')).toBe(1);
    expect(await revisionOf(first.taskDefinition?.taskDefinitionArn ?? '')).toBe(1);
    await expect(revisionOf('web:3')).rejects.toThrow('Unable to describe task definition.');
  });

  test('are listed by family and status', async () => {
    await using on = await stage();
    for (const family of ['b', 'a', 'a']) await register(on, family);
    await on.ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: 'b:1' }));
    const names = async (input: object) =>
      (await on.ecs.send(new ListTaskDefinitionsCommand(input))).taskDefinitionArns?.map((arn) =>
        arn.slice(arn.indexOf('/') + 1),
      );
    expect(await names({})).toEqual(['a:1', 'a:2']);
    expect(await names({ sort: 'DESC' })).toEqual(['a:2', 'a:1']);
    expect(await names({ status: 'INACTIVE' })).toEqual(['b:1']);
    const families = async (input: object) =>
      (await on.ecs.send(new ListTaskDefinitionFamiliesCommand(input))).families;
    expect(await families({ status: 'ACTIVE' })).toEqual(['a']);
    expect(await families({})).toEqual(['a', 'b']);
  });

  test('that contradict themselves are refused', async () => {
    await using on = await stage();
    const containerDefinitions = [{ ...container, memory: undefined }];
    await expect(
      on.ecs.send(new RegisterTaskDefinitionCommand({ family: 'x', containerDefinitions })),
    ).rejects.toMatchObject({ name: 'ClientException' });
  });
});

test('tags are set, listed and removed', async () => {
  await using on = await withCluster();
  const tagsOf = async () =>
    (await on.ecs.send(new ListTagsForResourceCommand({ resourceArn: CLUSTER_ARN }))).tags;
  const tags = [
    { key: 'team', value: 'web' },
    { key: 'x', value: '' },
  ];
  await on.ecs.send(new TagResourceCommand({ resourceArn: CLUSTER_ARN, tags }));
  expect(await tagsOf()).toEqual(tags);
  await on.ecs.send(new UntagResourceCommand({ resourceArn: CLUSTER_ARN, tagKeys: ['x'] }));
  expect(await tagsOf()).toEqual([{ key: 'team', value: 'web' }]);
});

test('attachment reports are acknowledged', async () => {
  await using on = await withCluster();
  const attachments = [{ attachmentArn: 'arn:aws:ecs:us-west-2:1:attachment/a', status: 'ATTACHED' }];
  const answer = await on.ecs.send(new SubmitAttachmentStateChangesCommand({ cluster: 'c', attachments }));
  expect(answer.acknowledgment).toBeTruthy();
});

describe('errors', () => {
  test('an operation that is not there is named with those that are', async () => {
    await using on = await stage();
    await expect(on.ecs.send(new ListServicesCommand({}))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: expect.stringContaining('RunTask'),
    });
  });

  test.each([
    ['a wrong secret key', { accessKeyId: 'test', secretAccessKey: 'x' }, 'InvalidSignatureException'],
    ['an unknown key', { accessKeyId: 'x', secretAccessKey: 'x' }, 'UnrecognizedClientException'],
  ])('%s is refused with 403', async (_name, keys, name) => {
    await using on = await stage();
    const other = client(on.controlPlane.url, keys);
    await expect(other.send(new ListClustersCommand({}))).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode: 403 },
    });
    other.destroy();
  });

  test('a body that does not fit is an InvalidParameterException that names the member', async () => {
    await using on = await stage();
    const { status, body } = await call(on.controlPlane.url, 'DescribeTasks', { tasks: 'x' });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      __type: 'InvalidParameterException',
      message: expect.stringContaining('tasks'),
    });
  });

  test('null counts as absent', async () => {
    await using on = await stage();
    const { status } = await call(on.controlPlane.url, 'ListClusters', { maxResults: null });
    expect(status).toBe(200);
  });

  test('can be injected for what an agent does then', async () => {
    await using on = await stage({
      intercept: (operation) =>
        operation === 'ListClusters' ? new ApiError('ThrottlingException', 'Rate exceeded') : undefined,
    });
    const { status, body } = await call(on.controlPlane.url, 'ListClusters', {});
    expect([status, body]).toEqual([400, { __type: 'ThrottlingException', message: 'Rate exceeded' }]);
  });

  test('what is not the API is a 404', async () => {
    await using on = await stage();
    expect((await fetch(`${on.controlPlane.url}/x`)).status).toBe(404);
  });
});
