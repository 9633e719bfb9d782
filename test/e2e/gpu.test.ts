import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';
import { launchAgent } from '../support/launched-agent.ts';
import { makeScratch } from '../support/scratch.ts';

/** Two GPUs that are there on paper only, and in place of NVIDIA's runtime a script that tells what it was called for. */
describe('an instance with GPUs', () => {
  const scratch = makeScratch();
  const infoFile = scratch.path('gpu.json');
  const wrapper = scratch.path('gpu-runtime');
  const agentEnv = {
    ECS_ENABLE_GPU_SUPPORT: 'true',
    ECS_GPU_INFO_FILE: infoFile,
    ECS_NVIDIA_RUNTIME: wrapper,
  };
  let world: EcsWorld;
  beforeAll(async () => {
    writeFileSync(infoFile, '{"DriverVersion":"550.54.15","GPUIDs":["GPU-1","GPU-2"]}');
    writeFileSync(wrapper, `#!/bin/sh\necho "$@" >>${wrapper}.log\nexec runc "$@"\n`);
    chmodSync(wrapper, 0o755);
    world = await EcsWorld.start({ agentEnv });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await scratch.remove();
  });

  it('registers them, and gives each task its own by the runtime of GPU containers (ECS-10, RES-76)', async () => {
    const { containerInstanceArns } = await world.aws<{ containerInstanceArns: readonly string[] }>(
      'list-container-instances',
    );
    const { containerInstances } = await world.aws<{
      containerInstances: readonly [{ registeredResources: unknown; attributes: unknown }];
    }>('describe-container-instances', '--container-instances', ...containerInstanceArns);
    const [{ registeredResources, attributes }] = containerInstances;
    expect(registeredResources).toContainEqual(
      expect.objectContaining({ name: 'GPU', stringSetValue: ['GPU-1', 'GPU-2'] }),
    );
    expect(attributes).toContainEqual({ name: 'ecs.capability.gpu-driver-version', value: '550.54.15' });

    const tell = 'echo gpus: $NVIDIA_VISIBLE_DEVICES; trap "exit 0" TERM; while :; do sleep 0.1; done';
    await world.register('gpu', tell, { resourceRequirements: [{ type: 'GPU', value: '1' }] });
    await world.register('plain', 'echo gpus: $NVIDIA_VISIBLE_DEVICES');
    const plain = await world.run('plain');
    const arns = await world.run('gpu', 2);
    await expect(world.run('gpu')).rejects.toThrow('RESOURCE:GPU');
    const running = await world.reach('RUNNING', arns);
    const ids = running.map(({ containers }) => containers[0]?.runtimeId ?? '');
    const output = async () => (await Promise.all(ids.map((id) => world.logLines(id)))).flat().toSorted();
    await expect.poll(output).toEqual(['gpus: GPU-1', 'gpus: GPU-2']);

    await world.stop(...arns);
    const stopped = await world.reach('STOPPED', [...plain, ...arns]);
    const plainId = stopped.find(({ taskArn }) => taskArn === plain[0])?.containers[0]?.runtimeId ?? '';
    expect(await world.logLines(plainId)).toEqual(['gpus:']);
    const calls = readFileSync(`${wrapper}.log`, 'utf8').split('\n');
    const made = (id: string) => calls.some((line) => line.includes(' create ') && line.includes(id));
    expect(ids.map(made)).toEqual([true, true]);
    expect(made(plainId)).toBe(false);
    const [again = ''] = await world.run('gpu');
    await world.reach('RUNNING', [again]);
    await world.stop(again);
    await world.reach('STOPPED', [again]);
    await world.expectClean();
  }, 90_000);

  it('does not start on a file that it cannot understand', async () => {
    const garbled = scratch.path('garbled.json');
    writeFileSync(garbled, 'GPU-1');
    await using agent = launchAgent({
      ...world.agent.options,
      dataDir: scratch.path('data'),
      runDir: scratch.path('run'),
      namespace: `${world.namespace}-garbled`,
      env: { ...agentEnv, ECS_GPU_INFO_FILE: garbled },
    });
    expect(await agent.ended).toBe(1);
    expect(agent.output()).toContain(`${garbled} does not tell the GPUs of this host`);
  }, 30_000);
});
