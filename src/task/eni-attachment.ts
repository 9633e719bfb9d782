import type { TaskArn } from './ids.ts';

/**
 * An ENI that EC2 is attaching to this instance, as it is remembered (networking.md §6.2).
 *
 *   awaited ─► its device is seen ─► reported (ECS knows that it is ATTACHED)
 *      └─► expired: forgotten, never reported
 */
export interface EniAttachment {
  /** Of the attachment, not of the ENI: the same device may come again for another task. */
  readonly arn: string;
  /** Absent: an ENI of the instance itself, such as the trunk of ENI trunking. */
  readonly task?: TaskArn;
  /** Six hex pairs in lower case. */
  readonly macAddress: string;
  /** Epoch ms: by then ECS has given it up. */
  readonly expiresAt: number;
  readonly isReported: boolean;
}
