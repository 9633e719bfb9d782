import { describe, expect, it } from 'vitest';
import { type CapabilityContext, capabilities } from '../../../src/ecs/capabilities.ts';
import { IMPLEMENTED_FEATURES } from '../../../src/ecs/implemented-features.ts';
import { ALL_FEATURES, contextOf } from './registration-world.ts';

async function namesOf(
  env: Record<string, string> = {},
  changes: Partial<Omit<CapabilityContext, 'config'>> = {},
): Promise<string[]> {
  const context = await contextOf(env, { features: ALL_FEATURES, ...changes });
  return capabilities(context).map(({ name }) => name.replace(/^.*\.?capability\./, ''));
}

/** Versions of the Docker API claimed, as [major, minor] text. */
const dockerVersions = (names: readonly string[]) =>
  names.filter((name) => name.startsWith('docker-remote-api.')).map((name) => name.slice(18));

describe('capabilities', () => {
  it('claim the Docker API up to 1.25 without gaps, then 1.28, 1.29, 1.30 and 1.32 (ECS-16)', async () => {
    expect(dockerVersions(await namesOf())).toEqual([
      '1.17',
      '1.18',
      '1.19',
      '1.20',
      '1.21',
      '1.22',
      '1.23',
      '1.24',
      '1.25',
      '1.28',
      '1.29',
      '1.30',
      '1.32',
    ]);
  });

  it('never claim Docker API 1.26, 1.27, 1.31 or 1.33 and later (ECS-73)', async () => {
    const claimed = dockerVersions(await namesOf({}, { features: IMPLEMENTED_FEATURES }));
    for (const version of claimed) {
      expect(['1.26', '1.27', '1.31']).not.toContain(version);
      expect(Number(version.slice(2))).toBeLessThan(33);
    }
    expect(claimed.length).toBeGreaterThan(0);
  });

  it('have no value where they are names only (ECS-14)', async () => {
    for (const capability of capabilities(await contextOf({}, { features: ALL_FEATURES })))
      expect(Object.keys(capability)).toEqual(['name']);
  });

  it('name the log drivers that are configured and work (ECS-17, LOG-22, LOG-101)', async () => {
    const env = { ECS_AVAILABLE_LOGGING_DRIVERS: '["syslog","json-file","awsfirelens","none"]' };
    const names = await namesOf(env, { loggingDrivers: ['none', 'json-file', 'journald'] });
    expect(
      names.filter((name) => name.startsWith('logging-driver.') && !name.includes('awsfirelens')),
    ).toEqual(['logging-driver.json-file', 'logging-driver.none']);
  });

  it.each([
    [{}, 'privileged-container', true],
    [{ ECS_DISABLE_PRIVILEGED: 'true' }, 'privileged-container', false],
  ])('follow ECS_DISABLE_PRIVILEGED: %o (ECS-18)', async (env, name, claimed) => {
    expect((await namesOf(env)).includes(name)).toBe(claimed);
  });

  it('without task limits have no task-cpu-mem-limit (ECS-19)', async () => {
    expect(await namesOf()).toContain('task-cpu-mem-limit');
    expect(await namesOf({ ECS_ENABLE_TASK_CPU_MEM_LIMIT: 'false' })).not.toContain('task-cpu-mem-limit');
    expect(await namesOf({}, { taskCgroupsUsable: false })).not.toContain('task-cpu-mem-limit');
  });

  it('without task limits have no increased-task-cpu-limit (ECS-74)', async () => {
    expect(await namesOf()).toContain('increased-task-cpu-limit');
    expect(await namesOf({ ECS_ENABLE_TASK_CPU_MEM_LIMIT: 'false' })).not.toContain(
      'increased-task-cpu-limit',
    );
  });

  it('name the driver of the GPUs, with GPU support and where it is known', async () => {
    const of = async (env: Record<string, string>, gpuDriverVersion?: string) =>
      capabilities(
        await contextOf(env, { ...(gpuDriverVersion !== undefined && { gpuDriverVersion }) }),
      ).filter(({ name }) => /gpu|nvidia/.test(name));
    expect(await of({ ECS_ENABLE_GPU_SUPPORT: 'true' }, '550.1')).toEqual([
      { name: 'ecs.capability.nvidia-driver-version.550.1' },
      { name: 'ecs.capability.gpu-driver-version', value: '550.1' },
    ]);
    expect(await of({ ECS_ENABLE_GPU_SUPPORT: 'true' })).toEqual([]);
    expect(await of({}, '550.1')).toEqual([]);
  });

  it('name ECS Anywhere (ECS-20)', async () => {
    expect(await namesOf({ ECS_EXTERNAL: 'true' })).toContain('external');
    expect(await namesOf()).not.toContain('external');
  });

  it('leave out on ECS Anywhere what works on EC2 only (ECS-75)', async () => {
    const env = { ECS_ENABLE_TASK_ENI: 'true', ECS_AWSVPC_BLOCK_IMDS: 'true' };
    const changes = { networkVersion: '1' };
    const onEc2 = await namesOf(env, changes);
    const elsewhere = await namesOf({ ...env, ECS_EXTERNAL: 'true' }, changes);
    const removed = [
      'task-eni',
      'cni-plugin-version',
      'task-eni.ipv6',
      'task-eni-block-instance-metadata',
      'task-eni-trunking',
      'aws-appmesh',
      'service-connect-v1',
      'storage.ebs-task-volume-attach',
      'storage.ebsta-non-root-user',
      'fault-injection',
    ];
    for (const name of removed) {
      expect(onEc2).toContain(name);
      expect(elsewhere).not.toContain(name);
    }
  });

  it('with task ENIs give the version of the network component', async () => {
    const context = await contextOf(
      { ECS_ENABLE_TASK_ENI: 'true' },
      { features: ALL_FEATURES, networkVersion: '1.2' },
    );
    expect(capabilities(context)).toContainEqual({ name: 'ecs.capability.cni-plugin-version', value: '1.2' });
  });

  it('with task ENIs but no usable network claim none of them', async () => {
    const names = await namesOf(
      { ECS_ENABLE_TASK_ENI: 'true' },
      { taskEniUsable: false, networkVersion: '1' },
    );
    expect(names.filter((name) => /eni|cni/.test(name))).toEqual([]);
  });

  it('claim ENI trunking only on a kernel that has vlans, and where it is not switched off', async () => {
    const names = (vlansUsable: boolean, env = {}) =>
      namesOf({ ECS_ENABLE_TASK_ENI: 'true', ...env }, { vlansUsable, networkVersion: '1' });
    const claimed = ['task-eni-trunking', 'branch-cni-plugin-version'];
    expect(await names(true)).toEqual(expect.arrayContaining(claimed));
    for (const without of [await names(false), await names(true, { ECS_ENABLE_HIGH_DENSITY_ENI: 'false' })])
      expect(without.filter((name) => claimed.includes(name))).toEqual([]);
  });

  it('claim network faults only where the host can make them', async () => {
    const names = (faultsUsable: boolean) => namesOf({}, { faultsUsable });
    expect(await names(true)).toContain('fault-injection');
    expect(await names(false)).not.toContain('fault-injection');
  });

  it('claim what is implemented whatever the configuration says (ECS-15)', async () => {
    const claimed = await namesOf({}, { features: IMPLEMENTED_FEATURES, loggingDrivers: [] });
    const expected = [
      ['full-sync', IMPLEMENTED_FEATURES.fullSync],
      ['container-ordering', IMPLEMENTED_FEATURES.containerOrdering],
      ['env-files.s3', IMPLEMENTED_FEATURES.environmentFiles],
      ['network.container-port-range', IMPLEMENTED_FEATURES.containerPortRange],
      ['container-restart-policy', IMPLEMENTED_FEATURES.containerRestartPolicy],
      ['ecr-endpoint', IMPLEMENTED_FEATURES.ecr],
      ['secrets.ssm.environment-variables', IMPLEMENTED_FEATURES.secretsFromSsm],
      ['docker-plugin.local', IMPLEMENTED_FEATURES.localVolumes],
      ['ipv6-only', IMPLEMENTED_FEATURES.ipv6Only],
      ['efs', IMPLEMENTED_FEATURES.efs],
    ] as const;
    for (const [name, implemented] of expected)
      expect([name, claimed.includes(name)]).toEqual([name, implemented]);
  });
});
