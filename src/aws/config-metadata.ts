import type { ConfigMetadata } from '../config/load-config.ts';
import { z } from '../schema.ts';
import { type InstanceMetadata, noInstanceMetadata } from './imds.ts';

const identitySchema = z.looseObject({ region: z.string() });

/**
 * What the configuration reads from the metadata service. A host without the service has neither user data nor
 * region, which is nothing to warn about.
 */
export function configMetadata(imds: InstanceMetadata): ConfigMetadata {
  return {
    async userData() {
      return imds === noInstanceMetadata ? undefined : await imds.get('/latest/user-data');
    },
    async region({ useIdentityDocument }) {
      if (!useIdentityDocument) return await imds.get('/latest/meta-data/placement/region');
      const document = await imds.get('/latest/dynamic/instance-identity/document');
      return document === undefined ? undefined : identitySchema.parse(JSON.parse(document)).region;
    },
  };
}
