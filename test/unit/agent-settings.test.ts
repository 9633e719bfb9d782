import { describe, expect, it } from 'vitest';
import { imageCleanupSettings } from '../../src/agent-settings.ts';
import { configOf } from './config/config-world.ts';

const settingsOf = async (env: Readonly<Record<string, string>> = {}) =>
  imageCleanupSettings(await configOf({ env }));

describe('the image clean-up', () => {
  it('spares the agent, the pause image and what is excluded, by any form of their names (ENG-104)', async () => {
    const { rules } = await settingsOf({ ECS_EXCLUDE_UNTRACKED_IMAGE: 'busybox:1,host:5000/a/b:2' });
    for (const name of [
      'amazon/amazon-ecs-agent:latest',
      'docker.io/amazon/amazon-ecs-agent:latest',
      'docker.io/amazon/amazon-ecs-pause:0.1.0',
      'docker.io/library/busybox:1',
      'host:5000/a/b:2',
    ])
      expect([...rules.excluded]).toContain(name);
    expect([...rules.excluded]).not.toContain('docker.io/library/busybox:2');
  });

  it.each([
    [{}, true],
    [{ ECS_DISABLE_IMAGE_CLEANUP: 'true' }, false],
    [{ ECS_IMAGE_PULL_BEHAVIOR: 'once' }, true],
    [{ ECS_IMAGE_PULL_BEHAVIOR: 'prefer-cached' }, false],
  ])('with %j is on: %s (ENG-145)', async (env: Readonly<Record<string, string>>, enabled) => {
    expect((await settingsOf(env)).enabled).toBe(enabled);
  });

  it('never has its low watermark above the high one', async () => {
    expect(await settingsOf()).toMatchObject({ highWatermark: 85, lowWatermark: 75 });
    expect(await settingsOf({ ECS_IMAGE_DISK_HIGH_WATERMARK: '60' })).toMatchObject({
      highWatermark: 60,
      lowWatermark: 60,
    });
    expect(await settingsOf({ ECS_IMAGE_DISK_HIGH_WATERMARK: '0' })).toMatchObject({ highWatermark: 85 });
  });

  it('touches images that no task brought only when told to', async () => {
    expect(await settingsOf()).not.toHaveProperty('untrackedMinimumAgeMs');
    const settings = await settingsOf({
      ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP: 'true',
      NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE: '5m',
    });
    expect(settings).toMatchObject({ untrackedMinimumAgeMs: 300_000 });
  });
});
