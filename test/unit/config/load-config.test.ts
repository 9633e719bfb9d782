import { describe, expect, it } from 'vitest';
import { configOf, load, problemsOf } from './config-world.ts';

describe('precedence', () => {
  it('prefers the environment to the file (CFG-01)', async () => {
    const config = await configOf({ env: { ECS_CLUSTER: 'env' }, json: { Cluster: 'file' } });
    expect(config.cluster).toBe('env');
  });

  it('prefers the file to the user data (CFG-71)', async () => {
    const userData = '{"ECSAgentConfiguration":{"Cluster":"data","NvidiaRuntime":"cdi"}}';
    const config = await configOf({ json: { Cluster: 'file' }, userData });
    expect(config).toMatchObject({ cluster: 'file', nvidiaRuntime: 'cdi' });
  });

  it('prefers the user data to the defaults (CFG-72)', async () => {
    const userData = '{"ECSAgentConfiguration":{"ReservedPorts":[1]}}';
    expect((await configOf({ userData })).reservedPorts).toEqual([1]);
  });

  it('lets an explicit tri-state false in the environment beat a true in the file (CFG-02)', async () => {
    const config = await configOf({
      env: { ECS_DISABLE_METRICS: 'false' },
      json: { DisableMetrics: true, PollMetrics: true },
    });
    expect(config).toMatchObject({ metricsDisabled: false, pollMetrics: true });
  });

  it('does not let a plain false in the environment beat a true in the file (CFG-03)', async () => {
    const config = await configOf({
      env: { ECS_ENABLE_GPU_SUPPORT: 'false' },
      json: { GPUSupportEnabled: true },
    });
    expect(config.gpuSupport).toBe(true);
  });

  it('takes the default list for an explicitly empty one (CFG-04)', async () => {
    const config = await configOf({ env: { ECS_RESERVED_PORTS: '[]' } });
    expect(config.reservedPorts).toEqual([22, 2375, 2376, 51_678, 51_679]);
  });

  it('asks the metadata service for the region only when nothing else tells it', async () => {
    const asked: boolean[] = [];
    const region = async ({ useIdentityDocument }: { useIdentityDocument: boolean }) => {
      asked.push(useIdentityDocument);
      return 'eu-west-1';
    };
    expect((await configOf({ metadata: { region } })).region).toBe('us-west-2');
    expect((await configOf({ noRegion: true, metadata: { region } })).region).toBe('eu-west-1');
    expect((await configOf({ noRegion: true, json: { NoIID: true }, metadata: { region } })).region).toBe(
      'eu-west-1',
    );
    expect(asked).toEqual([true, false]);
  });

  it('fails without a region (CFG-11)', async () => {
    expect(await problemsOf({ noRegion: true })).toContain('AWS_DEFAULT_REGION');
    const region = () => Promise.reject(new Error('no answer'));
    expect(await problemsOf({ noRegion: true, metadata: { region } })).toContain('AWS_DEFAULT_REGION');
  });

  it('reports all fatal problems together', async () => {
    const problems = await problemsOf({
      noRegion: true,
      env: { ECS_INSTANCE_ATTRIBUTES: '{', ECS_RUNTIME: 'podman' },
      json: { DockerStopTimeout: 5 },
    });
    for (const name of [
      'ECS_INSTANCE_ATTRIBUTES',
      'ECS_RUNTIME',
      'ECS_CONTAINER_STOP_TIMEOUT',
      'AWS_DEFAULT_REGION',
    ])
      expect(problems).toContain(name);
  });

  it('cannot be changed once loaded', async () => {
    const config = await configOf();
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.reservedPorts)).toBe(true);
  });
});

describe('JSON file', () => {
  it('is not needed (CFG-05)', async () => {
    expect((await load()).warnings).toEqual([]);
  });

  it('is looked for in /etc/ecs_container_agent (CFG-06)', async () => {
    const files = { '/etc/ecs_container_agent/config.json': '{"Cluster":"c"}' };
    expect((await configOf({ files })).cluster).toBe('c');
  });

  it('may be elsewhere (CFG-75)', async () => {
    const files = {
      '/x.json': '{"Cluster":"own"}',
      '/etc/ecs_container_agent/config.json': '{"Cluster":"usual"}',
    };
    const config = await configOf({ env: { ECS_AGENT_CONFIG_FILE_PATH: '/x.json' }, files });
    expect(config.cluster).toBe('own');
  });

  it('has keys in any case (CFG-07)', async () => {
    expect((await configOf({ json: { cLUSTER: 'c', DATADIR: '/d' } })).cluster).toBe('c');
  });

  it('has durations in nanoseconds (CFG-08)', async () => {
    const config = await configOf({ json: { TaskCleanupWaitDuration: 90_000_000_000 } });
    expect(config.taskCleanupWaitMs).toBe(90_000);
    expect(await problemsOf({ json: { TaskCleanupWaitDuration: '90s' } })).toContain('nanoseconds');
  });

  it('fills an empty Cluster from ClusterArn, with a warning (CFG-09)', async () => {
    const filled = await load({ json: { ClusterArn: 'old' } });
    expect(filled.config.cluster).toBe('old');
    expect(filled.warnings.join()).toContain('ClusterArn');
    expect((await configOf({ json: { ClusterArn: 'old', Cluster: 'new' } })).cluster).toBe('new');
  });

  it('may be blank (CFG-74)', async () => {
    expect(await problemsOf({ json: ' \n\t' })).toBe('');
  });

  it('must be JSON otherwise (CFG-73)', async () => {
    expect(await problemsOf({ json: '{"Cluster":' })).toContain('config.json is not valid JSON');
  });

  it('may have keys that nobody knows (CFG-76)', async () => {
    expect(await problemsOf({ json: { Cluster: 'c', Nonsense: [1] } })).toBe('');
  });

  it('has booleans without quotes', async () => {
    expect(await problemsOf({ json: { DisableMetrics: 'true' } })).toContain('DisableMetrics');
    expect((await configOf({ json: { DisableMetrics: 1, PollMetrics: null } })).metricsDisabled).toBe(true);
  });

  it('has numbers for pull behaviour and tag propagation', async () => {
    const config = await configOf({ json: { ImagePullBehavior: 3, ContainerInstancePropagateTagsFrom: 1 } });
    expect(config).toMatchObject({ imagePullBehavior: 'prefer-cached', propagateTagsFrom: 'ec2_instance' });
  });
});

describe('user data', () => {
  it.each([
    ['#!/bin/sh\necho ECS_CLUSTER=c', ''],
    ['{"Cluster":"c"}', ''],
    ['{"ECSAgentConfiguration":{"Cluster":"c"}} trailing', ''],
    ['{"ECSAgentConfiguration":{"Cluster":"c"}}', 'c'],
  ])('counts as configuration only as whole JSON with its key: %s (CFG-10)', async (userData, cluster) => {
    expect((await configOf({ userData })).cluster).toBe(cluster);
  });

  it('that cannot be read only warns', async () => {
    const userData = () => Promise.reject(new Error('no answer'));
    const { warnings } = await load({ metadata: { userData } });
    expect(warnings.join()).toContain('user data could not be read');
  });
});

describe('ECS Anywhere', () => {
  it('needs the region in the environment (CFG-12)', async () => {
    const world = {
      noRegion: true,
      env: { ECS_EXTERNAL: 'true' },
      json: { AWSRegion: 'eu-west-1' },
    } as const;
    expect(await problemsOf(world)).toContain('AWS_DEFAULT_REGION must be set');
  });

  it('never asks the metadata service (CFG-13)', async () => {
    const asked: string[] = [];
    const metadata = {
      userData: async () => void asked.push('user-data') as undefined,
      region: async () => void asked.push('region') as undefined,
    };
    await load({ env: { ECS_EXTERNAL: 'true' }, metadata });
    expect(asked).toEqual([]);
  });

  it('registers without the identity document (CFG-77)', async () => {
    expect((await configOf({ env: { ECS_EXTERNAL: 'true' } })).noInstanceIdentity).toBe(true);
    expect((await configOf()).noInstanceIdentity).toBe(false);
  });

  it('has no task ENIs (CFG-64)', async () => {
    const env = { ECS_ENABLE_TASK_ENI: 'true' };
    expect((await configOf({ env })).taskEni).toBe(true);
    expect((await configOf({ env: { ...env, ECS_EXTERNAL: 'true' } })).taskEni).toBe(false);
  });
});
