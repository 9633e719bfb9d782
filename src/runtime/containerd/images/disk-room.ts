import { type DiskSpace, observeDiskSpace } from '../../../host/disk-space.ts';
import type { DiskShortage } from '../../../image/images.ts';
import type { ImagePlaces } from './image-places.ts';

/** Bytes that a pull will write: to the content store, and to the snapshotter. */
export interface RoomNeeded {
  readonly contentBytes: number;
  readonly snapshotBytes: number;
}

/** A pull does not fit. Says the sizes; in the words of the kernel, which users' alarms know. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';

  constructor(needed: RoomNeeded, disk: DiskSpace, promisedBytes: number) {
    const parts = [
      `${megabytes(needed.contentBytes)} of layers to fetch`,
      `${megabytes(needed.snapshotBytes)} or more to unpack`,
    ];
    const promised =
      promisedBytes === 0 ? '' : `, of which ${megabytes(promisedBytes)} are for pulls under way`;
    super(
      `no space left on device: the image needs ${parts.join(' and ')}, and ${disk.path} has ` +
        `${megabytes(disk.freeBytes)} of ${megabytes(disk.totalBytes)} free${promised}`,
    );
  }
}

/** Room that a pull has been promised; it gives back what it has used, and in the end the rest. */
export class RoomPromise implements Disposable {
  #contentBytes: number;
  #snapshotBytes: number;
  readonly #onGivenBack: () => void;

  constructor({ contentBytes, snapshotBytes }: RoomNeeded, onGivenBack: () => void) {
    this.#contentBytes = contentBytes;
    this.#snapshotBytes = snapshotBytes;
    this.#onGivenBack = onGivenBack;
  }

  get left(): RoomNeeded {
    return { contentBytes: this.#contentBytes, snapshotBytes: this.#snapshotBytes };
  }

  /** Bytes that are on the disk now and show in its free space. */
  fetched(bytes: number): void {
    this.#contentBytes = Math.max(0, this.#contentBytes - bytes);
  }

  unpacked(bytes: number): void {
    this.#snapshotBytes = Math.max(0, this.#snapshotBytes - bytes);
  }

  [Symbol.dispose](): void {
    this.#onGivenBack();
  }
}

export interface RoomRequest extends RoomNeeded {
  /** Removes what nobody uses; gives whether anything was freed. */
  readonly makeRoom?: ((shortage: DiskShortage) => Promise<boolean>) | undefined;
}

/** Promises room on the disks of images to pulls, so that none begins that cannot fit beside the others. */
export class DiskRoom {
  readonly #places: () => Promise<ImagePlaces>;
  readonly #promises = new Set<RoomPromise>();

  constructor(places: () => Promise<ImagePlaces>) {
    this.#places = places;
  }

  /** Throws `NoRoomError` when the bytes do not fit, also after unused images have gone. */
  async promise({ makeRoom, ...needed }: RoomRequest): Promise<RoomPromise> {
    const places = await this.#places();
    for (;;) {
      const short = await this.#shortage(places, needed);
      if (short === undefined) {
        const promise: RoomPromise = new RoomPromise(needed, () => this.#promises.delete(promise));
        this.#promises.add(promise);
        return promise;
      }
      const { path } = short.disk;
      const freed = (await makeRoom?.({ path, missingBytes: short.missingBytes })) ?? false;
      if (!freed) throw new NoRoomError(needed, short.disk, short.promisedBytes);
    }
  }

  /** The same for the unpacked size of one layer, once it is known; what is promised already does not count. */
  async check(snapshotBytes: number, makeRoom: RoomRequest['makeRoom']): Promise<void> {
    const { snapshots } = await this.#places();
    for (;;) {
      const disk = snapshots === undefined ? undefined : await observeDiskSpace(snapshots);
      if (disk === undefined || disk.freeBytes >= snapshotBytes) return;
      const missingBytes = snapshotBytes - disk.freeBytes;
      const freed = (await makeRoom?.({ path: disk.path, missingBytes })) ?? false;
      if (!freed) throw new NoRoomError({ contentBytes: 0, snapshotBytes }, disk, 0);
    }
  }

  async #shortage(
    { content, snapshots }: ImagePlaces,
    needed: RoomNeeded,
  ): Promise<
    { readonly disk: DiskSpace; readonly missingBytes: number; readonly promisedBytes: number } | undefined
  > {
    const [contentDisk, snapshotDisk] = await Promise.all(
      [content, snapshots].map(async (path) => (path === undefined ? undefined : observeDiskSpace(path))),
    );
    for (const disk of [contentDisk, snapshotDisk]) {
      if (disk === undefined) continue;
      const on = ({ contentBytes, snapshotBytes }: RoomNeeded) =>
        (contentDisk?.device === disk.device ? contentBytes : 0) +
        (snapshotDisk?.device === disk.device ? snapshotBytes : 0);
      // Nothing to write always fits, however full the disk is.
      if (on(needed) === 0) continue;
      const promisedBytes = [...this.#promises].reduce((sum, { left }) => sum + on(left), 0);
      const missingBytes = on(needed) + promisedBytes - disk.freeBytes;
      if (missingBytes > 0) return { disk, missingBytes, promisedBytes };
    }
    return undefined;
  }
}

const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`;
