import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AwsDouble } from '../support/aws-double.ts';
import { NetworkHost } from '../support/network-host.ts';
import { pushTestImage } from '../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { TASK_RUNTIMES, type TaskRuntime } from '../support/task-runtimes.ts';
import { INSTANCE, ROLE, SECRET_ARN, type SecretTasks, type Wishes } from './secret-tasks.ts';
import { type SecretWorld, startSecretWorld } from './secret-world.ts';

describe.each(TASK_RUNTIMES)('a registry that wants a login, on $name', ({ name, start }) => {
  const stack = new AsyncDisposableStack();
  let runtime: TaskRuntime;
  let world: SecretWorld;
  let registry: TestRegistry;
  let aws: AwsDouble;
  let tasks: SecretTasks;
  let image: string;

  beforeAll(async () => {
    const host = stack.use(await NetworkHost.create(`logins-${name}`));
    runtime = stack.use(await start(host));
    stack.use(host.enter());
    registry = stack.use(await startRegistry({ auth: 'basic' }));
    image = (await pushTestImage(registry, 'private:1')).reference;
    world = stack.use(await startSecretWorld(runtime));
    ({ aws, tasks } = world);
    aws.registries.set('111111111111', {
      login: `${registry.user?.username}:${registry.user?.password}`,
      lifeMs: 12 * 3_600_000,
    });
  }, 120_000);
  afterAll(async () => {
    await stack.disposeAsync();
  }, 60_000);
  beforeEach(() => {
    aws.calls.length = 0;
  });

  const ecr = (registryId: string, useExecutionRole: boolean) => ({
    type: 'ecr',
    ecrAuthData: { registryId, region: 'us-west-2', useExecutionRole },
  });
  const secret = (id: string) => ({
    type: 'asm',
    asmAuthData: { credentialsParameter: `${SECRET_ARN}:${id}`, region: 'us-west-2' },
  });
  const run = (reference: string, registryAuthentication: object, wishes: Partial<Wishes> = {}) =>
    tasks.run({
      ...wishes,
      container: { image: reference, command: ['true'], registryAuthentication },
    });
  const manifestsServed = (reference: string) => {
    const path = `/v2/${reference.split('/')[1]?.split(':')[0]}/manifests/`;
    return registry.requests().filter((line) => line.includes(path) && line.endsWith(' 200')).length;
  };

  it('is given the token of ECR, got as the execution role and as the instance', async () => {
    for (const [useExecutionRole, key] of [
      [true, ROLE],
      [false, INSTANCE],
    ] as const) {
      const before = manifestsServed(image);
      const report = await tasks.stopped(run(image, ecr('111111111111', useExecutionRole)));
      expect(report.containers?.[0]).toMatchObject({ exitCode: 0 });
      expect(manifestsServed(image)).toBeGreaterThan(before);
      expect(aws.calls.map(({ operation, accessKeyId }) => [operation, accessKeyId])).toEqual([
        ['ecr.GetAuthorizationToken', key.accessKeyId],
      ]);
      aws.calls.length = 0;
    }
  });

  it('is given that token again for as long as it is good', async () => {
    const arns = [1, 2, 3].map(() => run(image, ecr('111111111111', false)));
    for (const arn of arns) expect((await tasks.stopped(arn)).containers?.[0]).toMatchObject({ exitCode: 0 });
    expect(aws.operations).toEqual([]);
  });

  it('is given the login out of Secrets Manager', async () => {
    aws.secrets.set(`${SECRET_ARN}:registry`, JSON.stringify(registry.user));
    const before = manifestsServed(image);
    const report = await tasks.stopped(run(image, secret('registry')));
    expect(report.containers?.[0]).toMatchObject({ exitCode: 0 });
    expect(manifestsServed(image)).toBeGreaterThan(before);
    expect(aws.operations).toContain('secretsmanager.GetSecretValue');
  });

  it('fails the pull with the name that alarms match on, where there is no login', async () => {
    const { reference } = await pushTestImage(registry, 'missing:1');
    const fails = async (auth: object, wishes: Partial<Wishes> = {}) => {
      const report = await tasks.stopped(run(reference, auth, wishes));
      return report.containers?.find(({ reason }) => reason !== undefined)?.reason;
    };
    expect(await fails(ecr('222222222222', true))).toMatch(
      /^CannotPullECRContainerError: .*registry 222222222222.*: the service gave 0 logins/,
    );
    expect(await fails(ecr('111111111111', true), { withoutRole: true })).toMatch(
      /^CannotPullECRContainerError: the credentials of the execution role are missing/,
    );
    expect(await fails(secret('none'))).toMatch(/^CannotPullContainerAuthError: .*ResourceNotFoundException/);
  });

  it('refuses a wrong login, which is told without it', async () => {
    const { reference } = await pushTestImage(registry, 'refused:1');
    aws.secrets.set(`${SECRET_ARN}:wrong`, JSON.stringify({ username: 'tester', password: 'hush-wrong' }));
    const report = await tasks.stopped(run(reference, secret('wrong')));
    const reason = report.containers?.find((container) => container.reason !== undefined)?.reason;
    expect(reason).toMatch(/^CannotPull\w*Error: /);
    expect(reason).toMatch(/unauthorized|authentication required/i);
    expect(JSON.stringify(world.ecs.lines.filter(({ dir }) => dir === 'in'))).not.toContain('hush-');
  });

  it('leaves nothing behind', async () => {
    await runtime.expectClean(world);
  });
});
