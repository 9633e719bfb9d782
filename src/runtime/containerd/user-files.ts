import { readRootfsFile } from './rootfs-files.ts';

/** The files of an image in which users and groups have their names; empty where it has none. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

const KEPT = 64;
/** Longer ones are read each time. */
const KEPT_BYTES = 64 * 1024;

/** Reads them out of the layers of a new container; those of the last images are kept, as their layers never change. */
export class UserFilesOfImages {
  readonly #byChainId = new Map<string, UserFiles>();

  /** `layers`: of a container's snapshot on top of the image's layers, in which nothing has been written yet. */
  async read(chainId: string, layers: readonly string[]): Promise<UserFiles> {
    const known = this.#byChainId.get(chainId);
    if (known !== undefined) return known;
    const [passwd = '', group = ''] = await Promise.all([
      readRootfsFile(layers, '/etc/passwd'),
      readRootfsFile(layers, '/etc/group'),
    ]);
    const files = { passwd, group };
    if (passwd.length + group.length > KEPT_BYTES) return files;
    const oldest = this.#byChainId.keys().next();
    if (this.#byChainId.size >= KEPT && oldest.done !== true) this.#byChainId.delete(oldest.value);
    this.#byChainId.set(chainId, files);
    return files;
  }
}
