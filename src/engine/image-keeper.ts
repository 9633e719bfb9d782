import type { Logger } from 'pino';
import { sleep, withDeadline } from '../async/deadline.ts';
import type { DiskShortage, ImageDisk, ImageService, LocalImage } from '../image/images.ts';
import type { Store, StoreChange } from '../store/store.ts';
import {
  type CleanupRules,
  type ImagesInUse,
  type ImageUse,
  imagesDue,
  takeUpImage,
  untrackedImagesDue,
  unusedImages,
} from '../task/image-use.ts';

/** How images are cleaned up (task-engine.md §8.6); times in ms. */
export interface ImageCleanupSettings {
  /** False: nothing is ever removed (ECS_DISABLE_IMAGE_CLEANUP, or behaviour `prefer-cached`, ENG-145). */
  readonly enabled: boolean;
  readonly intervalMs: number;
  readonly rules: CleanupRules;
  /** Age below which images that no task brought are kept; absent: these are never removed. */
  readonly untrackedMinimumAgeMs?: number;
  /** Percent of a disk in use above which unused images go, until it is below the second. 100: never. */
  readonly highWatermark: number;
  readonly lowWatermark: number;
  /** Between two looks at the disks; default one minute. */
  readonly lookMs?: number;
}

export interface ImageKeeperDependencies {
  readonly images: ImageService;
  readonly store: Store;
  readonly logger: Logger;
  readonly settings: ImageCleanupSettings;
  now(): number;
  /** Asked right before each removal: tasks arrive while images go. */
  inUse(): ImagesInUse;
}

const REMOVAL_MS = 3 * 60_000;
const LOOK_MS = 60_000;
const CALL_MS = 60_000;
/** Uses that lie closer together are one: which image was used last matters by the hour. */
const USE_STEP_MS = 60_000;

/**
 * Remembers which images tasks brought and when they were last used, and removes those that nobody uses: on a
 * clock, when a disk fills, and when a pull needs the room. One removal at a time; whether an image is in use is
 * asked in the same turn in which its removal begins, and who wants an image waits for the removal under way. So
 * pulls and clean-up need not wait for each other otherwise.
 */
export class ImageKeeper {
  readonly #deps: ImageKeeperDependencies;
  readonly #images = new Map<string, ImageUse>();
  /** Removals follow one another. */
  #removal: Promise<unknown> = Promise.resolve();
  #look = Promise.withResolvers<void>();
  /** Said once, until the disk has room again. */
  #toldFull = false;

  constructor(deps: ImageKeeperDependencies) {
    this.#deps = deps;
  }

  /** Goes on with what the store remembers. */
  start(stored: readonly ImageUse[]): void {
    for (const image of stored) this.#images.set(image.imageId, image);
  }

  /** Everything that is remembered. */
  images(): readonly ImageUse[] {
    return [...this.#images.values()];
  }

  /** Resolves when no removal is under way: an image that is looked for after that stays. */
  async settled(signal: AbortSignal): Promise<void> {
    await withDeadline('the removal of an image', REMOVAL_MS, signal, () => this.#removal);
  }

  /** A task has got this image. Known from then on; written down unless that was done within the last minute. */
  async takeUp({ imageId, name, sizeBytes }: LocalImage): Promise<void> {
    const now = this.#deps.now();
    const known = this.#images.get(imageId);
    const isNews = known === undefined || !known.names.includes(name) || now - known.lastUsedAt > USE_STEP_MS;
    if (isNews) await this.#remember(takeUpImage(this.#images.values(), { imageId, name, sizeBytes }, now));
    this.#look.resolve();
  }

  /** A task that had these images is gone. */
  async letGo(imageIds: readonly string[]): Promise<void> {
    const lastUsedAt = this.#deps.now();
    const known = [...new Set(imageIds)].map((id) => this.#images.get(id)).filter((one) => one !== undefined);
    await this.#remember(known.map((image) => ({ ...image, lastUsedAt })));
  }

  /** Removes unused images, the longest unused first, until so many bytes more are free; whether any went. */
  async makeRoom({ path, missingBytes }: DiskShortage, signal: AbortSignal): Promise<boolean> {
    if (!this.#deps.settings.enabled) return false;
    const freeOn = async () => (await this.#disks(signal)).find((disk) => disk.path === path)?.freeBytes ?? 0;
    const wanted = (await freeOn()) + missingBytes;
    this.#deps.logger.warn({ path, missingBytes }, 'a pull does not fit; removing images that nobody uses');
    return (await this.#evict(async () => (await freeOn()) >= wanted, signal)) > 0;
  }

  /** Cleans up until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { settings, now, logger } = this.#deps;
    await this.#guarded('taking stock of images', signal, () => this.#takeStock(signal));
    if (!settings.enabled) return;
    for (let cycleAt = now() + settings.intervalMs; !signal.aborted; ) {
      await this.#untilLook(signal);
      await this.#guarded('looking at the disks', signal, () => this.relieveDisks(signal));
      if (now() < cycleAt) continue;
      await this.#guarded('cleaning up images', signal, () => this.cycle(signal));
      cycleAt = now() + settings.intervalMs;
      logger.debug({ images: this.#images.size }, 'images cleaned up');
    }
  }

  /** One cycle on the clock: what is old enough and unused, then what no task brought. */
  async cycle(signal: AbortSignal): Promise<void> {
    const { settings, images, now, inUse } = this.#deps;
    const { rules, untrackedMinimumAgeMs } = settings;
    let budget = rules.perCycle;
    for (const image of imagesDue(this.#images.values(), inUse(), rules, now()))
      if (await this.#removeUnused(image, signal)) budget -= 1;
    if (untrackedMinimumAgeMs === undefined || budget <= 0) return;
    const found = await this.#bounded('listing images', signal, (within) => images.list({ signal: within }));
    const untracked = { ...rules, minimumAgeMs: untrackedMinimumAgeMs };
    for (const image of untrackedImagesDue(found, this.#images.values(), inUse(), untracked, now())) {
      if (budget <= 0) return;
      if (await this.#removeUnused({ ...image, pulledAt: 0, lastUsedAt: 0 }, signal))
        budget -= Math.max(1, image.names.length);
    }
  }

  /** Removes unused images where a disk is fuller than the high watermark, down to the low one. */
  async relieveDisks(signal: AbortSignal): Promise<void> {
    const { highWatermark, lowWatermark } = this.#deps.settings;
    if (highWatermark >= 100) return;
    const above = (disk: ImageDisk, percent: number) => usedPercent(disk) > percent;
    const full = (await this.#disks(signal)).filter((disk) => above(disk, highWatermark));
    if (full.length === 0) {
      this.#toldFull = false;
      return;
    }
    const paths = new Set(full.map(({ path }) => path));
    const relieved = async () =>
      (await this.#disks(signal)).every((disk) => !paths.has(disk.path) || !above(disk, lowWatermark));
    const gone = await this.#evict(relieved, signal);
    const isRelieved = await relieved();
    if (gone === 0 && this.#toldFull) return;
    this.#toldFull = !isRelieved;
    const disks = full.map(({ path, freeBytes, totalBytes }) => ({ path, freeBytes, totalBytes }));
    const text = isRelieved
      ? 'a disk was above its high watermark; unused images were removed'
      : 'a disk is above its watermark and no unused image is left to remove; free space on it';
    this.#deps.logger.warn({ disks, removed: gone, highWatermark, lowWatermark }, text);
  }

  /** Removes unused images one by one until `enough`; gives how many went. */
  async #evict(enough: () => Promise<boolean>, signal: AbortSignal): Promise<number> {
    const { settings, inUse } = this.#deps;
    let gone = 0;
    for (const image of unusedImages(this.#images.values(), inUse(), settings.rules.excluded)) {
      if (await enough()) break;
      if (await this.#removeUnused(image, signal)) gone += 1;
    }
    return gone;
  }

  /** After the removals before it; false when somebody uses the image by then, or it cannot be removed. */
  async #removeUnused(image: ImageUse, signal: AbortSignal): Promise<boolean> {
    const removal = this.#removal.then(async () => {
      const { inUse, settings } = this.#deps;
      // No await between this look and the begin of the removal: see `settled`.
      const current = this.#images.get(image.imageId) ?? image;
      if (unusedImages([current], inUse(), settings.rules.excluded).length === 0) return false;
      return await this.#remove(current, signal);
    });
    this.#removal = removal.catch(() => undefined);
    return await removal;
  }

  async #remove(image: ImageUse, signal: AbortSignal): Promise<boolean> {
    const { images, logger, now } = this.#deps;
    const { imageId, names, sizeBytes, lastUsedAt } = image;
    try {
      for (const name of names.length === 0 ? [imageId] : names)
        await withDeadline(`removing image ${name}`, REMOVAL_MS, signal, (within) =>
          images.remove(name, { signal: within }),
        );
    } catch (error) {
      signal.throwIfAborted();
      logger.warn({ err: error, imageId, names }, 'an unused image could not be removed; it is kept for now');
      return false;
    }
    await this.#forget(imageId);
    const unusedMs = lastUsedAt === 0 ? undefined : now() - lastUsedAt;
    logger.info({ imageId, names, sizeBytes, unusedMs }, 'removed an image that nobody uses');
    return true;
  }

  /**
   * Compares what is remembered with what the runtime has: images of an agent that was killed before it could
   * remember them are taken up, those that somebody else removed are forgotten.
   */
  async #takeStock(signal: AbortSignal): Promise<void> {
    const { images, now } = this.#deps;
    const found = await this.#bounded('listing images', signal, (within) => images.list({ signal: within }));
    const there = new Set(found.flatMap(({ imageId, names }) => [imageId, ...names]));
    for (const { imageId, names } of [...this.#images.values()])
      if (!there.has(imageId) && !names.some((name) => there.has(name))) await this.#forget(imageId);
    for (const { imageId, names, sizeBytes, pulled, createdAt } of found) {
      if (!pulled || this.#images.has(imageId)) continue;
      const pulledAt = createdAt === 0 ? now() : createdAt;
      await this.#remember([{ imageId, names, sizeBytes, pulledAt, lastUsedAt: now() }]);
    }
  }

  async #disks(signal: AbortSignal): Promise<readonly ImageDisk[]> {
    return await this.#bounded('looking at the disks', signal, (within) =>
      this.#deps.images.disks({ signal: within }),
    );
  }

  #bounded<T>(what: string, signal: AbortSignal, work: (within: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(what, CALL_MS, signal, work);
  }

  async #remember(changed: readonly ImageUse[]): Promise<void> {
    for (const image of changed) this.#images.set(image.imageId, image);
    await this.#commit(changed.map((image) => ({ kind: 'putImage', image })));
  }

  async #forget(imageId: string): Promise<void> {
    if (this.#images.delete(imageId)) await this.#commit([{ kind: 'deleteImage', imageId }]);
  }

  /** A store that refuses holds up no task: what it misses is found again when stock is taken. */
  async #commit(changes: readonly StoreChange[]): Promise<void> {
    if (changes.length === 0) return;
    try {
      await this.#deps.store.commit(changes);
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'the use of an image could not be stored');
    }
  }

  async #untilLook(signal: AbortSignal): Promise<void> {
    const { lookMs = LOOK_MS, intervalMs } = this.#deps.settings;
    const timer = sleep(Math.min(lookMs, intervalMs), signal).catch(() => {});
    await Promise.race([timer, this.#look.promise]);
    this.#look = Promise.withResolvers<void>();
  }

  async #guarded(what: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      if (!signal.aborted) await work();
    } catch (error) {
      if (!signal.aborted)
        this.#deps.logger.warn({ err: error, what }, 'image clean-up failed; trying again later');
    }
  }
}

function usedPercent({ totalBytes, freeBytes }: ImageDisk): number {
  return totalBytes === 0 ? 0 : ((totalBytes - freeBytes) / totalBytes) * 100;
}
