import { describe, expect, it } from 'vitest';
import { judgeSavedInstance, type SavedInstance } from '../../../src/ecs/saved-instance.ts';

const saved: SavedInstance = new Map([
  ['container-instance-arn', 'arn:ci'],
  ['cluster-name', 'default'],
  ['ec2-instance-id', 'i-1'],
]);

describe('saved state', () => {
  it('is registered again', () => {
    expect(judgeSavedInstance(saved, { checkpoint: true, cluster: '', ec2InstanceId: 'i-1' })).toEqual({
      kind: 'keep',
      containerInstanceArn: 'arn:ci',
      ec2InstanceId: 'i-1',
    });
  });

  it('keeps its instance id when the metadata service tells none', () => {
    const decision = judgeSavedInstance(saved, { checkpoint: true, cluster: 'default' });
    expect(decision).toMatchObject({ kind: 'keep', ec2InstanceId: 'i-1' });
  });

  it('of another cluster ends the agent with 5 (CFG-53, ECS-27)', () => {
    const judge = () =>
      judgeSavedInstance(saved, { checkpoint: true, cluster: 'other', ec2InstanceId: 'i-1' });
    expect(judge).toThrow(expect.objectContaining({ name: 'RegistrationError', exitCode: 5 }));
    expect(judge).toThrow(/default.*other/);
  });

  it('of another EC2 instance is dropped, whatever its cluster (CFG-54, ECS-28)', () => {
    const decision = judgeSavedInstance(saved, { checkpoint: true, cluster: 'other', ec2InstanceId: 'i-2' });
    expect(decision).toMatchObject({ kind: 'discard', reason: expect.stringMatching(/i-1.*i-2/) });
  });

  it('is not looked at without checkpoints (ECS-29)', () => {
    expect(judgeSavedInstance(saved, { checkpoint: false, cluster: 'other' })).toEqual({ kind: 'new' });
  });

  it('without an ARN makes a new instance', () => {
    const half: SavedInstance = new Map([['cluster-name', 'default']]);
    expect(judgeSavedInstance(half, { checkpoint: true, cluster: '' })).toEqual({ kind: 'new' });
  });
});
