import type { MetaKey } from '../store/store.ts';
import { RegistrationError } from './registration-error.ts';

/** What an earlier run left in the store about this instance. */
export type SavedInstance = ReadonlyMap<MetaKey, string>;

/** What becomes of the saved state. */
export type SavedStateDecision =
  /** Nothing to go by: register as a new instance. */
  | { readonly kind: 'new' }
  /** Register again under this ARN. */
  | { readonly kind: 'keep'; readonly containerInstanceArn: string; readonly ec2InstanceId?: string }
  /** The state belongs to another EC2 instance (an image made of a registered one): drop all of it. */
  | { readonly kind: 'discard'; readonly reason: string };

/**
 * Compares the saved state with what runs now (ecs-api.md §B8). Throws `RegistrationError` with exit code 5 when
 * the cluster was changed. Without an instance id from the metadata service the saved one counts.
 */
export function judgeSavedInstance(
  saved: SavedInstance,
  now: { readonly checkpoint: boolean; readonly cluster: string; readonly ec2InstanceId?: string },
): SavedStateDecision {
  if (!now.checkpoint) return { kind: 'new' };
  const savedId = saved.get('ec2-instance-id');
  const id = now.ec2InstanceId ?? savedId;
  if (savedId !== undefined && savedId !== id)
    return { kind: 'discard', reason: `the saved state is of EC2 instance ${savedId}, this is ${id}` };

  const savedCluster = saved.get('cluster-name');
  const cluster = now.cluster || 'default';
  if (savedCluster !== undefined && savedCluster !== cluster)
    throw new RegistrationError(
      `this instance is registered in cluster ${savedCluster}, but ${cluster} is configured; ` +
        'set ECS_CLUSTER back, or empty the data directory to register anew',
      5,
    );
  const containerInstanceArn = saved.get('container-instance-arn');
  if (containerInstanceArn === undefined) return { kind: 'new' };
  return { kind: 'keep', containerInstanceArn, ...(id !== undefined && { ec2InstanceId: id }) };
}
