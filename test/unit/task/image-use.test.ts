import { describe, expect, it } from 'vitest';
import {
  type CleanupRules,
  type ImageUse,
  imagesDue,
  takeUpImage,
  untrackedImagesDue,
  unusedImages,
} from '../../../src/task/image-use.ts';

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const RULES: CleanupRules = { minimumAgeMs: HOUR, perCycle: 5, excluded: new Set() };
const NOBODY = { ids: new Set<string>(), names: new Set<string>() };

function image(id: string, changes: Partial<ImageUse> = {}): ImageUse {
  return { imageId: id, names: [`${id}:1`], sizeBytes: 10, pulledAt: 0, lastUsedAt: 0, ...changes };
}

const ids = (images: readonly { readonly imageId: string }[]) => images.map(({ imageId }) => imageId);

describe('an image that a task takes up', () => {
  it('is remembered with its first pull and its last use', () => {
    const [first] = takeUpImage([], { imageId: 'a', name: 'a:1', sizeBytes: 7 }, 5);
    expect(first).toEqual({ imageId: 'a', names: ['a:1'], sizeBytes: 7, pulledAt: 5, lastUsedAt: 5 });
    const again = takeUpImage(
      first === undefined ? [] : [first],
      { imageId: 'a', name: 'a:2', sizeBytes: 7 },
      9,
    );
    expect(again).toEqual([
      { imageId: 'a', names: ['a:1', 'a:2'], sizeBytes: 7, pulledAt: 5, lastUsedAt: 9 },
    ]);
  });

  it('takes its name away from the image that had it (ENG-105)', () => {
    const old = image('old', { names: ['app:1', 'app:stable'] });
    const changed = takeUpImage([old], { imageId: 'new', name: 'app:1', sizeBytes: 1 }, 5);
    expect(changed.map(({ imageId, names }) => [imageId, names])).toEqual([
      ['old', ['app:stable']],
      ['new', ['app:1']],
    ]);
  });
});

describe('an image is due', () => {
  it.each([
    ['when nothing keeps it', image('a'), NOBODY, RULES, true],
    ['not within an hour of its pull', image('a', { pulledAt: NOW - HOUR }), NOBODY, RULES, false],
    ['right after that', image('a', { pulledAt: NOW - HOUR - 1 }), NOBODY, RULES, true],
    ['not while a container has it', image('a'), { ...NOBODY, ids: new Set(['a']) }, RULES, false],
    ['not while a task wants its name', image('a'), { ...NOBODY, names: new Set(['a:1']) }, RULES, false],
    ['not when it is excluded', image('a'), NOBODY, { ...RULES, excluded: new Set(['a:1']) }, false],
    ['when it has lost all its names', image('a', { names: [] }), NOBODY, RULES, true],
  ])('%s (ENG-102)', (_, one, inUse, rules, due) => {
    expect(ids(imagesDue([one], inUse, rules, NOW))).toEqual(due ? ['a'] : []);
  });

  it('when it was used longest ago, five at a time (ENG-103, ENG-146)', () => {
    const images = [7, 3, 1, 6, 2, 5, 4].map((n) => image(`i${n}`, { lastUsedAt: n }));
    expect(ids(imagesDue(images, NOBODY, RULES, NOW))).toEqual(['i1', 'i2', 'i3', 'i4', 'i5']);
  });

  it('under pressure whatever its age, but never in use or excluded', () => {
    const images = [
      image('new', { pulledAt: NOW, lastUsedAt: NOW }),
      image('used'),
      image('kept'),
      image('old'),
    ];
    const inUse = { ids: new Set(['used']), names: new Set<string>() };
    expect(ids(unusedImages(images, inUse, new Set(['kept:1'])))).toEqual(['old', 'new']);
  });
});

describe('an image that no task brought', () => {
  const found = (id: string, sizeBytes: number, createdAt = 0) => ({
    imageId: id,
    names: [`${id}:1`],
    sizeBytes,
    createdAt,
  });

  it('is due by the time of its creation, the smallest first (ENG-107)', () => {
    const images = [found('big', 30), found('small', 10), found('middle', 20), found('young', 1, NOW)];
    expect(ids(untrackedImagesDue(images, [], NOBODY, RULES, NOW))).toEqual(['small', 'middle', 'big']);
  });

  it('is not one that a task brought under another name', () => {
    const images = [found('a', 1), found('b', 1), found('c', 1)];
    const tracked = [image('a', { names: ['other:1'] }), image('x', { names: ['b:1'] })];
    expect(ids(untrackedImagesDue(images, tracked, NOBODY, RULES, NOW))).toEqual(['c']);
  });
});
