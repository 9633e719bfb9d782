import type { Logger } from 'pino';
import { EniAttachments } from './attachment/eni-attachments.ts';
import type { Config } from './config/config.ts';
import type { EcsApi } from './ecs/ecs-api.ts';
import type { InstanceFacts } from './ecs/instance-facts.ts';
import type { Store } from './store/store.ts';
import type { TaskArn } from './task/ids.ts';

/** Whether tasks may have ENIs on this instance; why not is told (networking.md §6.1). */
export function judgeTaskEni(config: Config, facts: InstanceFacts, logger: Logger): boolean {
  if (!config.taskEni || config.external) return false;
  const isInVpc = facts.vpcId !== undefined && facts.primaryMac !== undefined;
  const trouble =
    'the instance metadata service names no VPC: the instance is in none, or the service cannot be reached';
  if (!isInVpc) logger.error({ trouble }, 'ECS_ENABLE_TASK_ENI is set and has no effect');
  return isInVpc;
}

/** Whether branch ENIs can be made: they are vlans of a trunk ENI (networking.md §6.1). Why not is told. */
export async function observeVlans(config: Config, taskEniUsable: boolean, logger: Logger): Promise<boolean> {
  if (!taskEniUsable || !config.eniTrunking) return false;
  const { hasVlans } = await import('./host/links.ts');
  const areThere = hasVlans();
  if (!areThere) logger.info('this kernel has no vlans (8021q): ENI trunking is not offered');
  return areThere;
}

export interface AttachmentParts {
  readonly store: Pick<Store, 'commit'>;
  readonly api: Pick<EcsApi, 'submitAttachment'>;
  readonly cluster: string;
  readonly facts: Pick<InstanceFacts, 'primaryMac'>;
  readonly logger: Logger;
  knowsTask(arn: TaskArn): boolean;
}

/** Builds the keeper of attachments; what looks at the host's links is loaded with it. */
export async function openAttachments({ facts, ...parts }: AttachmentParts): Promise<EniAttachments> {
  const { findDevice, linksHere } = await import('./host/links.ts');
  return new EniAttachments({
    ...parts,
    // The instance's own ENI is nobody's attachment (NET-34).
    hasDevice: (mac) => mac !== facts.primaryMac && findDevice(linksHere(), mac) !== undefined,
  });
}
