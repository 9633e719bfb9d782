import { describe, expect, it } from 'vitest';
import { EcsApiError } from '../../../src/ecs/ecs-api.ts';
import { decideTaskCgroups } from '../../../src/ecs/registration.ts';
import { ARN, accept, inputOf, RegistrationWorld } from './registration-world.ts';

const refuse =
  (code: string, message = 'no') =>
  () =>
    new EcsApiError(code, message, 400);
const keep = { kind: 'keep', containerInstanceArn: 'arn:saved' } as const;
const value = (name: string, text: string) => ({ name, value: text });

describe('a first registration', () => {
  it('sends no ARN (ECS-04)', async () => {
    const world = new RegistrationWorld();
    const registration = await world.register(await inputOf());
    expect(world.requests[0]).not.toHaveProperty('containerInstanceArn');
    expect(registration.containerInstanceArn).toBe(ARN);
  });

  it('has a client token (ECS-64)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf());
    expect(world.requests[0]?.clientToken).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('sends custom attributes, before all others (ECS-65)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf({ ECS_INSTANCE_ATTRIBUTES: '{"rack":"b7","row":"2"}' }));
    expect(world.requests[0]?.attributes.slice(0, 2)).toEqual([value('rack', 'b7'), value('row', '2')]);
  });

  it('sends identity document and signature (ECS-30)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf());
    expect(world.requests[0]).toMatchObject({
      instanceIdentityDocument: '{"instanceId":"i-1"}',
      instanceIdentityDocumentSignature: 'c2ln',
    });
  });

  it('asks for neither document nor signature on ECS Anywhere', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf({ ECS_EXTERNAL: 'true' }));
    expect(world.looked).toEqual([]);
    expect(world.requests[0]).toMatchObject({
      instanceIdentityDocument: '',
      instanceIdentityDocumentSignature: '',
    });
  });

  it('is what follows when the saved state was dropped', async () => {
    const world = new RegistrationWorld();
    const input = await inputOf({}, { saved: { kind: 'discard', reason: 'another instance' } });
    expect((await world.register(input)).containerInstanceArn).toBe(ARN);
    expect(world.requests[0]).not.toHaveProperty('containerInstanceArn');
  });

  it('takes the availability zone of the answer (ECS-32)', async () => {
    const registration = await new RegistrationWorld().register(await inputOf());
    expect(registration.availabilityZone).toBe('us-west-2a');
  });

  it('sends configured tags, and no member without any (ECS-81)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf({ ECS_CONTAINER_INSTANCE_TAGS: '{"team":"web"}' }));
    await world.register(await inputOf());
    expect(world.requests[0]?.tags).toEqual([{ key: 'team', value: 'web' }]);
    expect(world.requests[1]).not.toHaveProperty('tags');
  });

  it('refuses to take EC2 tags, in words', async () => {
    const input = await inputOf({ ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM: 'ec2_instance' });
    await expect(new RegistrationWorld().register(input)).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringContaining('ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM'),
    });
  });
});

describe('a repeated registration', () => {
  it('sends the saved ARN and keeps it (ECS-05)', async () => {
    const world = new RegistrationWorld();
    const registration = await world.register(await inputOf({}, { saved: keep }));
    expect(world.requests[0]?.containerInstanceArn).toBe('arn:saved');
    expect(registration.containerInstanceArn).toBe('arn:saved');
  });

  it('sends no custom attributes (ECS-66)', async () => {
    const world = new RegistrationWorld();
    const env = { ECS_INSTANCE_ATTRIBUTES: '{"rack":"b7"}' };
    await world.register(await inputOf(env, { saved: keep }));
    expect(world.requests[0]?.attributes.map(({ name }) => name)).not.toContain('rack');
  });

  it('sends every other attribute again (OBS-121)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf());
    await world.register(await inputOf({}, { saved: keep }));
    expect(world.requests[1]?.attributes).toEqual(world.requests[0]?.attributes);
  });

  it('has a client token of its own (ECS-67, OBS-119)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf());
    await world.register(await inputOf({}, { saved: keep }));
    expect(world.requests[1]?.clientToken).not.toBe(world.requests[0]?.clientToken);
    expect(world.requests[1]?.clientToken).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('of another instance type ends the agent with 5 (ECS-26)', async () => {
    const steps = [refuse('SomeException', 'Container instance type changes are not supported. Sorry')];
    const again = new RegistrationWorld().register(await inputOf({}, { saved: keep }), steps);
    await expect(again).rejects.toMatchObject({ exitCode: 5 });
    await expect(new RegistrationWorld().register(await inputOf(), steps)).rejects.toMatchObject({
      exitCode: 1,
    });
  });
});

describe('attributes', () => {
  it('tell the system, in this order at the end (ECS-11, ECS-71)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf({ ECS_DETAILED_OS_FAMILY: 'amzn_2023' }));
    expect(world.requests[0]?.attributes.slice(-3)).toEqual([
      value('ecs.os-type', 'linux'),
      value('ecs.os-family', 'LINUX'),
      value('ecs.os-type-detailed', 'amzn_2023'),
    ]);
  });

  it.each([
    [{ ECS_DETAILED_OS_FAMILY: 'amzn_2023' }, 'amzn_2023'],
    [{}, 'LINUX'],
  ])('name the system in detail as configured: %o (ECS-72)', async (env, name) => {
    const world = new RegistrationWorld();
    await world.register(await inputOf(env));
    expect(world.requests[0]?.attributes).toContainEqual(value('ecs.os-type-detailed', name));
  });

  it('name the architecture on ECS Anywhere only (ECS-12)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf({ ECS_EXTERNAL: 'true' }));
    await world.register(await inputOf());
    expect(world.requests[0]?.attributes).toContainEqual(value('ecs.cpu-architecture', 'x86_64'));
    expect(world.requests[1]?.attributes.map(({ name }) => name)).not.toContain('ecs.cpu-architecture');
  });

  it('name VPC and subnet with task ENIs only (ECS-13)', async () => {
    const facts = { vpcId: 'vpc-1', subnetId: 'subnet-1', outpostArn: 'arn:outpost' };
    const world = new RegistrationWorld();
    await world.register(await inputOf({ ECS_ENABLE_TASK_ENI: 'true' }, { facts }));
    await world.register(await inputOf({}, { facts }));
    const [on, off] = world.requests.map(({ attributes }) => attributes);
    const at = on?.findIndex(({ name }) => name === 'ecs.vpc-id') ?? -1;
    expect(on?.slice(at)).toEqual([
      value('ecs.vpc-id', 'vpc-1'),
      value('ecs.subnet-id', 'subnet-1'),
      value('ecs.os-type', 'linux'),
      value('ecs.os-family', 'LINUX'),
      value('ecs.os-type-detailed', 'LINUX'),
      value('ecs.outpost-arn', 'arn:outpost'),
    ]);
    expect(off?.map(({ name }) => name)).not.toContain('ecs.vpc-id');
    expect(off?.map(({ name }) => name)).not.toContain('ecs.subnet-id');
  });

  it('whose value does not come back end the agent with 5 (ECS-21)', async () => {
    const lose = (name: string, other?: string) => (request: Parameters<typeof accept>[0]) => {
      const answer = accept(request);
      if (answer instanceof Error) return answer;
      const attributes = answer.attributes.filter((item) => item.name !== name);
      return {
        ...answer,
        attributes: other === undefined ? attributes : [...attributes, value(name, other)],
      };
    };
    for (const step of [lose('ecs.os-type'), lose('ecs.os-type', 'windows')])
      await expect(new RegistrationWorld().register(await inputOf(), [step])).rejects.toMatchObject({
        exitCode: 5,
        message: expect.stringMatching(/Attribute validation failed.*ecs\.os-type/),
      });
  });

  it('that are names only need not come back (ECS-76)', async () => {
    const valuesOnly = (request: Parameters<typeof accept>[0]) => ({
      containerInstanceArn: ARN,
      attributes: request.attributes.filter((item) => item.value !== undefined),
    });
    await expect(new RegistrationWorld().register(await inputOf(), [valuesOnly])).resolves.toBeDefined();
  });
});

describe('resources', () => {
  const resource = async (env: Record<string, string>, name: string) => {
    const world = new RegistrationWorld();
    await world.register(await inputOf(env));
    return world.requests[0]?.totalResources.find((item) => item.name === name);
  };

  it('have 1024 units a CPU (ECS-07)', async () => {
    expect(await resource({}, 'CPU')).toEqual({ name: 'CPU', type: 'INTEGER', integerValue: 2048 });
  });

  it('have the memory that is not reserved (ECS-68)', async () => {
    const env = { ECS_RESERVED_MEMORY: '105' };
    expect(await resource(env, 'MEMORY')).toEqual({ name: 'MEMORY', type: 'INTEGER', integerValue: 24_000 });
  });

  it('leave out a value of zero', async () => {
    expect(await resource({ ECS_RESERVED_MEMORY: '24105' }, 'MEMORY')).toEqual({
      name: 'MEMORY',
      type: 'INTEGER',
    });
  });

  it('with more memory reserved than there is end the agent with 1 (ECS-08)', async () => {
    const input = await inputOf({ ECS_RESERVED_MEMORY: '24106' });
    await expect(new RegistrationWorld().register(input)).rejects.toMatchObject({ exitCode: 1 });
  });

  it('list reserved TCP ports as texts (ECS-09)', async () => {
    expect(await resource({ ECS_RESERVED_PORTS: '[22,80]' }, 'PORTS')).toEqual({
      name: 'PORTS',
      type: 'STRINGSET',
      stringSetValue: ['22', '80'],
    });
  });

  it('list UDP ports even when there are none (ECS-69)', async () => {
    expect(await resource({}, 'PORTS_UDP')).toEqual({
      name: 'PORTS_UDP',
      type: 'STRINGSET',
      stringSetValue: [],
    });
  });

  it('come in the recorded order, without GPUs (ECS-70)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf({ ECS_ENABLE_GPU_SUPPORT: 'true' }, { gpuIds: ['GPU-1'] }));
    const names = world.requests[0]?.totalResources.map(({ name }) => name);
    expect(names).toEqual(['CPU', 'MEMORY', 'PORTS', 'PORTS_UDP']);
  });

  it('leave GPUs to the platform devices, which are absent without any (ECS-10)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf({}, { gpuIds: ['GPU-1', 'GPU-2'] }));
    await world.register(await inputOf());
    const [having, lacking] = world.requests;
    expect(having?.platformDevices).toEqual([
      { id: 'GPU-1', type: 'GPU' },
      { id: 'GPU-2', type: 'GPU' },
    ]);
    expect(lacking).not.toHaveProperty('platformDevices');
  });
});

describe('a failed registration', () => {
  it.each(['ThrottlingException', 'ServerException', 'LimitExceededException', 'RetryQuotaExceeded'])(
    'is tried again after %s, 3 s ×2 to 192 s apart (ECS-23)',
    async (code) => {
      const world = new RegistrationWorld();
      await world.register(await inputOf(), [...Array(8).fill(refuse(code)), accept]);
      expect(world.requests).toHaveLength(9);
      world.waits.forEach((ms, n) => {
        const base = Math.min(3_000 * 2 ** n, 192_000);
        expect(ms).toBeGreaterThanOrEqual(base);
        expect(ms).toBeLessThan(base * 1.2);
      });
    },
  );

  it('keeps its client token in all tries (ECS-06)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf(), [refuse('ServerException'), refuse('ServerException'), accept]);
    expect(new Set(world.requests.map(({ clientToken }) => clientToken)).size).toBe(1);
  });

  it('is given up after an hour with exit status 1 (ECS-77)', async () => {
    const world = new RegistrationWorld();
    const attempt = world.register(await inputOf(), [refuse('ServerException')]);
    await expect(attempt).rejects.toMatchObject({ exitCode: 1 });
    const waited = world.waits.reduce((sum, ms) => sum + ms, 0);
    expect(waited).toBeLessThan(3_600_000);
    expect(waited).toBeGreaterThan(3_600_000 - 192_000 * 1.2);
  });

  it.each(['InvalidParameterException', 'ClientException'])(
    'ends the agent with 5 on %s (ECS-22, OBS-127)',
    async (code) => {
      const world = new RegistrationWorld();
      await expect(world.register(await inputOf(), [refuse(code)])).rejects.toMatchObject({ exitCode: 5 });
      expect(world.requests).toHaveLength(1);
    },
  );

  it.each(['AccessDeniedException', 'NetworkError', 'CredentialsError'])(
    'ends the agent with 1 on %s (OBS-128)',
    async (code) => {
      const world = new RegistrationWorld();
      await expect(world.register(await inputOf(), [refuse(code)])).rejects.toMatchObject({ exitCode: 1 });
      expect(world.requests).toHaveLength(1);
    },
  );
});

describe('a missing cluster', () => {
  const missing = [refuse('ClientException', 'Cluster not found.'), accept];

  it.each([missing, [refuse('ClusterNotFoundException'), accept]])(
    'is made when none is configured (ECS-24)',
    async (...steps) => {
      const world = new RegistrationWorld();
      const registration = await world.register(await inputOf({ ECS_CLUSTER: '' }), steps);
      expect(world.created).toEqual(['default']);
      expect(registration.cluster).toBe('default');
    },
  );

  it('that was made is registered in, under the same token and with the identity read anew (ECS-78, OBS-120)', async () => {
    const world = new RegistrationWorld();
    await world.register(await inputOf({ ECS_CLUSTER: '' }), missing);
    expect(world.requests.map(({ cluster }) => cluster)).toEqual(['default', 'default']);
    expect(world.requests[1]?.clientToken).toBe(world.requests[0]?.clientToken);
    expect(world.looked.filter((path) => path.endsWith('document'))).toHaveLength(2);
  });

  it('is not made when it is configured (ECS-25)', async () => {
    const world = new RegistrationWorld();
    await expect(world.register(await inputOf({ ECS_CLUSTER: 'peer' }), missing)).rejects.toMatchObject({
      exitCode: 5,
    });
    expect(world.created).toEqual([]);
  });

  it('is not made for a repeated registration', async () => {
    const world = new RegistrationWorld();
    const input = await inputOf({ ECS_CLUSTER: '' }, { saved: keep });
    await expect(world.register(input, missing)).rejects.toMatchObject({ exitCode: 5 });
    expect(world.created).toEqual([]);
  });

  it('that cannot be made ends the agent', async () => {
    const denied = () => new EcsApiError('AccessDeniedException', 'no', 400);
    const attempt = new RegistrationWorld().register(await inputOf({ ECS_CLUSTER: '' }), missing, denied);
    await expect(attempt).rejects.toMatchObject({ exitCode: 1 });
  });
});

describe('task cgroups', () => {
  it('that are demanded but cannot be made end the agent with 5 (CFG-41)', () => {
    const decide = () => decideTaskCgroups('required', 'read-only file system');
    expect(decide).toThrow(expect.objectContaining({ exitCode: 5 }));
    expect(decide).toThrow(/read-only file system/);
  });

  it('that cannot be made are otherwise left out (CFG-89)', () => {
    expect(decideTaskCgroups('preferred', 'read-only file system')).toBe(false);
    expect(decideTaskCgroups('preferred', undefined)).toBe(true);
    expect(decideTaskCgroups('off', undefined)).toBe(false);
  });
});
