import { type InstanceMetadata, MetadataUnavailableError } from '../aws/imds.ts';
import { z } from '../schema.ts';

/** What the metadata service tells about this instance; absent where it tells nothing. */
export interface InstanceFacts {
  readonly instanceId?: string;
  /** MAC address of the primary ENI, in lower case. */
  readonly primaryMac?: string;
  readonly vpcId?: string;
  readonly subnetId?: string;
  readonly availabilityZoneId?: string;
  readonly outpostArn?: string;
}

const nonEmpty = z.string().check(z.trim(), z.minLength(1));

/**
 * Reads the facts in the order of the Amazon ECS agent (ecs-api.md §B1, 6 and 7). Once the service turns out not
 * to answer at all, the remaining look-ups are left out: each would take as long again.
 */
export async function readInstanceFacts(
  imds: InstanceMetadata,
  options: { signal: AbortSignal },
): Promise<InstanceFacts> {
  let reachable = true;
  const get = async (path: string): Promise<string | undefined> => {
    if (!reachable) return undefined;
    try {
      return nonEmpty.safeParse(await imds.get(path, options)).data;
    } catch (error) {
      if (!(error instanceof MetadataUnavailableError)) throw error;
      reachable = error.reachable;
      return undefined;
    }
  };
  const instanceId = await get('/latest/meta-data/instance-id');
  const mac = await get('/latest/meta-data/mac');
  const ofInterface = `/latest/meta-data/network/interfaces/macs/${mac}`;
  const vpcId = mac === undefined ? undefined : await get(`${ofInterface}/vpc-id`);
  const subnetId = mac === undefined ? undefined : await get(`${ofInterface}/subnet-id`);
  const availabilityZoneId = await get('/latest/meta-data/placement/availability-zone-id');
  const outpostArn = await get('/latest/meta-data/outpost-arn');
  return {
    ...(instanceId !== undefined && { instanceId }),
    ...(mac !== undefined && { primaryMac: mac.toLowerCase() }),
    ...(vpcId !== undefined && { vpcId }),
    ...(subnetId !== undefined && { subnetId }),
    ...(availabilityZoneId !== undefined && { availabilityZoneId }),
    ...(outpostArn !== undefined && { outpostArn }),
  };
}
