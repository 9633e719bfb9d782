import { RecordFiles } from '../record-files.ts';
import { type CniCache, cniCacheSchema } from './cni-schema.ts';

/** Which attachment: one network, one container, one link in it. */
export interface CniKey {
  readonly network: string;
  readonly containerId: string;
  readonly ifName: string;
}

/**
 * What was attached, or was about to be, so that it can be taken down with the configuration it was made with
 * (networking.md §8). File names and format are libcni's. None that can be read: the plugins have to do without.
 */
export type CniCacheFiles = RecordFiles<CniKey, CniCache>;

export function openCniCache(directory: string): CniCacheFiles {
  return new RecordFiles(
    directory,
    cniCacheSchema,
    ({ network, containerId, ifName }: CniKey) => `${network}-${containerId}-${ifName}`,
  );
}
