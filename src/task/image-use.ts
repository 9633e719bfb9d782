/** What is remembered of an image that tasks brought (task-engine.md §8.6). Times are epoch ms. */
export interface ImageUse {
  /** Digest of its configuration. */
  readonly imageId: string;
  /** Its names in the runtime; none are left when all of them have moved on to other images. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** When it was first seen. */
  readonly pulledAt: number;
  /** When a task last took it up or let go of it. */
  readonly lastUsedAt: number;
}

/** An image as a task has just got it. */
export interface SeenImage {
  readonly imageId: string;
  readonly name: string;
  readonly sizeBytes: number;
}

/** Images that may not go now: those that tasks have, and names that tasks are about to ask for. */
export interface ImagesInUse {
  readonly ids: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
}

export interface CleanupRules {
  /** From the moment that an image was pulled, ms; it goes only when it is older (ENG-102). */
  readonly minimumAgeMs: number;
  /** Images that go in one cycle (ENG-146). */
  readonly perCycle: number;
  /** Names in the runtime of images that never go (ENG-104). */
  readonly excluded: ReadonlySet<string>;
}

/**
 * The records that change when a task takes up an image at `at`: its own, and those of images that had its name
 * before (ENG-105).
 */
export function takeUpImage(
  images: Iterable<ImageUse>,
  { imageId, name, sizeBytes }: SeenImage,
  at: number,
): readonly ImageUse[] {
  const changed: ImageUse[] = [];
  let own: ImageUse = { imageId, names: [], sizeBytes, pulledAt: at, lastUsedAt: at };
  for (const image of images) {
    if (image.imageId === imageId) own = image;
    else if (image.names.includes(name))
      changed.push({ ...image, names: image.names.filter((other) => other !== name) });
  }
  const names = own.names.includes(name) ? own.names : [...own.names, name];
  return [...changed, { ...own, names, sizeBytes, lastUsedAt: at }];
}

/** Images that nobody uses and that are not excluded, those that were used longest ago first (ENG-103). */
export function unusedImages(
  images: Iterable<ImageUse>,
  inUse: ImagesInUse,
  excluded: ReadonlySet<string>,
): readonly ImageUse[] {
  return [...images]
    .filter(
      ({ imageId, names }) =>
        !inUse.ids.has(imageId) && !names.some((name) => inUse.names.has(name) || excluded.has(name)),
    )
    .toSorted((a, b) => a.lastUsedAt - b.lastUsedAt || a.pulledAt - b.pulledAt);
}

/** What one cycle of the clean-up removes, in this order. */
export function imagesDue(
  images: Iterable<ImageUse>,
  inUse: ImagesInUse,
  rules: CleanupRules,
  at: number,
): readonly ImageUse[] {
  return unusedImages(images, inUse, rules.excluded)
    .filter(({ pulledAt }) => at - pulledAt > rules.minimumAgeMs)
    .slice(0, rules.perCycle);
}

/** An image of the runtime that no task brought. */
export interface UntrackedImage {
  readonly imageId: string;
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** What one cycle removes of images that no task brought, the smallest first (ENG-107). */
export function untrackedImagesDue(
  found: Iterable<UntrackedImage>,
  tracked: Iterable<ImageUse>,
  inUse: ImagesInUse,
  rules: CleanupRules,
  at: number,
): readonly UntrackedImage[] {
  const known = [...tracked];
  const ids = new Set(known.map(({ imageId }) => imageId));
  const names = new Set(known.flatMap((image) => image.names));
  return [...found]
    .filter(
      (image) =>
        !ids.has(image.imageId) &&
        !inUse.ids.has(image.imageId) &&
        !image.names.some((name) => names.has(name) || inUse.names.has(name) || rules.excluded.has(name)) &&
        at - image.createdAt > rules.minimumAgeMs,
    )
    .toSorted((a, b) => a.sizeBytes - b.sizeBytes)
    .slice(0, rules.perCycle);
}
