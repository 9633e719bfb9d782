import { join } from 'node:path';
import type { Logger } from 'pino';
import type { InstanceMetadata } from './aws/imds.ts';
import type { Config } from './config/config.ts';
import { ContainerFiles } from './metadata/container-file/container-files.ts';
import type { FileInstance } from './metadata/container-file/file-document.ts';
import type { EndpointIds } from './metadata/endpoint-ids.ts';

export interface ContainerFilesParts {
  readonly config: Config;
  readonly cluster: string;
  readonly imds: InstanceMetadata;
  readonly ids: EndpointIds;
  readonly logger: Logger;
  /** What registration told; undefined before. */
  registration(): { readonly containerInstanceArn: string; readonly availabilityZone?: string } | undefined;
}

/** Files in which containers read of themselves, with what instance metadata says of the host's addresses. */
export function createContainerFiles(parts: ContainerFilesParts): ContainerFiles {
  const { config, cluster, imds, ids, logger } = parts;
  let addresses: Promise<Partial<FileInstance>> | undefined;
  return new ContainerFiles({
    directory: join(config.dataDirectory, 'metadata'),
    ids,
    instance: async () => {
      // Asked for once, when the first task wants it: registration does without.
      addresses ??= hostAddresses(imds);
      const { containerInstanceArn, availabilityZone } = parts.registration() ?? {};
      return {
        cluster,
        ...(containerInstanceArn !== undefined && { containerInstanceArn }),
        ...(availabilityZone !== undefined && { availabilityZone }),
        ...(await addresses),
      };
    },
    onTrouble: (error) => logger.warn({ err: error }, 'a container metadata file'),
  });
}

async function hostAddresses(imds: InstanceMetadata): Promise<Partial<FileInstance>> {
  const get = async (name: string) => {
    const text = await imds.get(`/latest/meta-data/${name}`).catch(() => undefined);
    return text?.trim() || undefined;
  };
  const [privateIpv4, publicIpv4, ipv6] = await Promise.all([
    get('local-ipv4'),
    get('public-ipv4'),
    get('ipv6'),
  ]);
  return {
    ...(privateIpv4 !== undefined && { privateIpv4 }),
    ...(publicIpv4 !== undefined && { publicIpv4 }),
    ...(ipv6 !== undefined && { ipv6 }),
  };
}
