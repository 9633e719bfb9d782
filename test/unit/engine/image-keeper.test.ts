import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { type ImageCleanupSettings, ImageKeeper } from '../../../src/engine/image-keeper.ts';
import type { LocalImage } from '../../../src/image/images.ts';
import { FakeImages } from '../../../src/runtime/fake/fake-images.ts';
import { until } from '../../support/until.ts';
import { MapStore } from './engine-world.ts';

const SETTINGS: ImageCleanupSettings = {
  enabled: true,
  intervalMs: 60_000,
  rules: { minimumAgeMs: 1_000, perCycle: 5, excluded: new Set(['kept:1']) },
  highWatermark: 80,
  lowWatermark: 60,
};

/** A keeper over fakes, whose clock the test moves. */
class Keeping {
  readonly images = new FakeImages();
  readonly store = new MapStore();
  readonly used = new Set<string>();
  readonly signal = AbortSignal.timeout(10_000);
  now = 1_000_000;
  keeper: ImageKeeper;

  constructor(settings: Partial<ImageCleanupSettings> = {}) {
    this.keeper = this.build(settings);
  }

  build(settings: Partial<ImageCleanupSettings> = {}): ImageKeeper {
    return new ImageKeeper({
      images: this.images,
      store: this.store,
      logger: pino({ level: 'silent' }),
      settings: { ...SETTINGS, ...settings },
      now: () => this.now,
      inUse: () => ({ ids: new Set<string>(), names: this.used }),
    });
  }

  /** A task brings images of these names, one second after another. */
  async bring(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.now += 1_000;
      await this.keeper.takeUp(local(name));
    }
  }

  /** A disk of 100 bytes on which each image that is there takes 20. */
  fill(usedBytes: number): void {
    this.images.disk = { path: '/disk', totalBytes: 100, freeBytes: 100 - usedBytes };
    const { images } = this;
    images.disks = async () => {
      const freeBytes = 100 - usedBytes + 20 * images.removed.length;
      return [{ path: '/disk', totalBytes: 100, freeBytes }];
    };
  }
}

function local(name: string): LocalImage {
  const config = {
    environment: {},
    entryPoint: [],
    command: [],
    user: '',
    workingDirectory: '',
    stopSignal: '',
    volumes: [],
  };
  return { name, digest: `d-${name}`, imageId: `id-${name}`, sizeBytes: 20, config };
}

describe('a cycle of the image clean-up', () => {
  it('removes what is old and unused by its names, and forgets it durably', async () => {
    const world = new Keeping();
    await world.bring('a:1', 'b:1', 'kept:1');
    world.now += 10_000;
    world.used.add('b:1');
    await world.keeper.cycle(world.signal);
    expect(world.images.removed).toEqual(['a:1']);
    expect([...world.store.imageUses.keys()]).toEqual(['id-b:1', 'id-kept:1']);
  });

  it('counts from when a task let go of an image, not from its pull', async () => {
    const world = new Keeping({ rules: { ...SETTINGS.rules, perCycle: 1 } });
    await world.bring('first:1', 'second:1');
    world.now += 10_000;
    await world.keeper.letGo(['id-first:1']);
    await world.keeper.cycle(world.signal);
    expect(world.images.removed).toEqual(['second:1']);
  });

  it('keeps an image that cannot be removed, and goes on with the next', async () => {
    const world = new Keeping();
    await world.bring('a:1', 'b:1');
    world.now += 10_000;
    world.images.removalFailure = new Error('busy');
    await world.keeper.cycle(world.signal);
    expect(world.images.removed).toEqual(['a:1', 'b:1']);
    expect(world.store.imageUses.size).toBe(2);
  });

  it('removes a nameless image by its id', async () => {
    const world = new Keeping();
    await world.bring('app:1');
    await world.keeper.takeUp({ ...local('app:1'), imageId: 'id-newer' });
    world.used.add('app:1');
    world.now += 10_000;
    await world.keeper.cycle(world.signal);
    expect(world.images.removed).toEqual(['id-app:1']);
  });

  it('touches what no task brought only when it is told to, within the same number', async () => {
    const foreign = (id: string, sizeBytes: number) => ({
      imageId: id,
      names: [`${id}:1`],
      sizeBytes,
      createdAt: 0,
      pulled: false,
    });
    for (const [untracked, removed] of [
      [{}, ['a:1']],
      [{ untrackedMinimumAgeMs: 1_000 }, ['a:1', 'small:1']],
    ] as const) {
      const world = new Keeping({ rules: { ...SETTINGS.rules, perCycle: 2 }, ...untracked });
      await world.bring('a:1');
      world.images.listed = [foreign('large', 9), foreign('small', 1)];
      world.now += 10_000;
      await world.keeper.cycle(world.signal);
      expect(world.images.removed).toEqual(removed);
    }
  });
});

describe('a full disk', () => {
  it('loses unused images, oldest first, until it is below the low watermark', async () => {
    const world = new Keeping();
    await world.bring('a:1', 'b:1', 'c:1', 'd:1');
    world.used.add('a:1');
    world.fill(90);
    await world.keeper.relieveDisks(world.signal);
    expect(world.images.removed).toEqual(['b:1', 'c:1']);
  });

  it('keeps everything below the high watermark', async () => {
    const world = new Keeping();
    await world.bring('a:1');
    world.fill(80);
    await world.keeper.relieveDisks(world.signal);
    expect(world.images.removed).toEqual([]);
  });

  it('makes room for a pull that does not fit, and no more than that', async () => {
    const world = new Keeping();
    await world.bring('a:1', 'b:1', 'c:1');
    world.fill(90);
    const shortage = { path: '/disk', missingBytes: 25 };
    expect(await world.keeper.makeRoom(shortage, world.signal)).toBe(true);
    expect(world.images.removed).toEqual(['a:1', 'b:1']);
  });

  it('cannot help a pull when everything is in use', async () => {
    const world = new Keeping();
    await world.bring('a:1');
    world.used.add('a:1');
    world.fill(90);
    expect(await world.keeper.makeRoom({ path: '/disk', missingBytes: 1 }, world.signal)).toBe(false);
  });
});

describe('an image', () => {
  it('that a task asks for while the one before it is removed is spared', async () => {
    const world = new Keeping();
    await world.bring('a:1', 'b:1');
    world.now += 10_000;
    const removal = Promise.withResolvers<void>();
    world.images.remove = async (name) => {
      world.images.removed.push(name);
      await removal.promise;
    };
    const cycle = world.keeper.cycle(world.signal);
    await until(() => world.images.removed.length === 1, { what: 'the first removal is under way' });
    world.used.add('b:1');
    removal.resolve();
    await cycle;
    expect(world.images.removed).toEqual(['a:1']);
  });

  it('is not looked for before the removal under way has ended', async () => {
    const world = new Keeping();
    await world.bring('a:1');
    world.now += 10_000;
    const removal = Promise.withResolvers<void>();
    world.images.remove = () => removal.promise;
    const cycle = world.keeper.cycle(world.signal);
    let settled = false;
    const looking = world.keeper.settled(world.signal).then(() => {
      settled = true;
    });
    await Promise.resolve();
    expect(settled).toBe(false);
    removal.resolve();
    await Promise.all([cycle, looking]);
    expect(settled).toBe(true);
  });
});

describe('after a start', () => {
  it('images that were pulled and not remembered are taken up, and gone ones forgotten', async () => {
    const world = new Keeping();
    await world.bring('gone:1');
    world.images.listed = [
      { imageId: 'id-crashed', names: ['crashed:1'], sizeBytes: 5, createdAt: 77, pulled: true },
      { imageId: 'id-baked', names: ['baked:1'], sizeBytes: 5, createdAt: 77, pulled: false },
    ];
    const next = world.build({ enabled: false });
    next.start([...world.store.imageUses.values()]);
    await next.run(world.signal);
    expect([...world.store.imageUses.values()]).toMatchObject([
      { imageId: 'id-crashed', names: ['crashed:1'], pulledAt: 77 },
    ]);
  });

  it('nothing is ever removed when the clean-up is off (ENG-145)', async () => {
    const world = new Keeping({ enabled: false });
    await world.bring('a:1');
    world.fill(99);
    world.images.listed = [{ imageId: 'id-a:1', names: ['a:1'], sizeBytes: 5, createdAt: 77, pulled: true }];
    await world.keeper.run(world.signal);
    expect(await world.keeper.makeRoom({ path: '/disk', missingBytes: 1 }, world.signal)).toBe(false);
    expect(world.images.removed).toEqual([]);
  });
});
