import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloudWatchDouble } from '../support/cloudwatch-logs.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { until } from '../support/until.ts';

const ROLE = { executionRoleArn: 'arn:aws:iam::123456789012:role/execution' };

describe('tasks that log to CloudWatch Logs', () => {
  let world: EcsWorld;
  let cloud: CloudWatchDouble;
  beforeAll(async () => {
    cloud = await CloudWatchDouble.start();
    // The keys of roles are the control plane's secret.
    cloud.keys = 'any';
    world = await EcsWorld.start({
      agentEnv: {
        ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '1s',
        ECS_AVAILABLE_LOGGING_DRIVERS: '["json-file","awslogs","splunk","none"]',
        ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE: 'true',
      },
    });
  }, 90_000);
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await cloud?.[Symbol.asyncDispose]();
  });

  const logTo = (options: Readonly<Record<string, string>>) => ({
    memory: 16,
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': 'g',
        'awslogs-region': 'us-west-2',
        'awslogs-endpoint': cloud.url,
        ...options,
      },
    },
  });
  const signedBy = () =>
    new Set(
      cloud.calls.map(({ headers }) =>
        /Credential=([^/]+)/.exec(headers.authorization ?? '')?.[1]?.slice(0, 4),
      ),
    );

  it('sign as the execution role and have every line there when they have stopped (LOG-18, LOG-72)', async () => {
    await world.register(
      'role',
      'busybox seq 1 5000; printf end',
      logTo({ 'awslogs-create-group': 'true', 'awslogs-stream-prefix': 'p' }),
      ROLE,
    );
    const [arn = ''] = await world.run('role');
    await world.reach('STOPPED', [arn]);
    await until(() => cloud.messages().length === 5001, { what: 'all lines arrive' });
    expect(cloud.messages().at(-1)).toBe('end');
    const stream = [...(cloud.groups.get('g') ?? [])][0] ?? '';
    expect(stream).toMatch(/^p\/[\w-]+\/[0-9a-f]{32}$/);
    expect(stream.endsWith(arn.split('/').at(-1) ?? '-')).toBe(true);
    expect(signedBy()).toEqual(new Set(['ASIA']));
    await world.expectClean();
  }, 90_000);

  it('are reported STOPPED and cleaned up though the group is gone, and their lines arrive when it is back (LOG-78, LOG-79)', async () => {
    await world.register('held', 'sleep 1; echo held', logTo({ 'awslogs-stream': 'held' }), ROLE);
    const arns = await world.run('held');
    await world.reach('RUNNING', arns);
    const streams = cloud.groups.get('g') ?? new Set<string>();
    cloud.groups.clear();
    await world.reach('STOPPED', arns);
    await until(async () => (await world.agent.ask())?.tasks.length === 0, {
      what: 'the agent has forgotten the task',
      timeoutMs: 30_000,
    });
    expect(cloud.messages('held')).toEqual([]);
    cloud.groups.set('g', streams);
    await until(() => cloud.messages('held').length === 1, { what: 'the line arrives', timeoutMs: 60_000 });
    expect(signedBy()).toEqual(new Set(['ASIA']));
    await world.expectClean();
  }, 120_000);

  it('do not start when the stream cannot be made, or an option is unknown; the reason names it (LOG-102, LOG-103)', async () => {
    await world.register('missing', 'echo', logTo({ 'awslogs-group': 'missing' }), ROLE);
    await world.register('option', 'echo', logTo({ 'awslogs-gruop': 'x' }), ROLE);
    const [missing] = await world.reach('STOPPED', await world.run('missing'));
    expect(missing?.containers[0]?.reason).toMatch(
      /^CannotStartContainerError: .*failed to initialize logging driver: failed to create Cloudwatch log stream: ResourceNotFoundException/,
    );
    const [option] = await world.reach('STOPPED', await world.run('option'));
    expect(option?.containers[0]?.reason).toMatch(
      /^CannotCreateContainerError: .*unknown log opt 'awslogs-gruop' for awslogs log driver/,
    );
    await world.expectClean();
  }, 90_000);
});
