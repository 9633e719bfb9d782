import { expect, it } from 'vitest';
import type { PullProgress } from '../../../src/image/images.ts';
import { PullProgressMeter } from '../../../src/image/pull-progress.ts';

it('is told five times a second at most, and its last state always', () => {
  let now = 0;
  const told: PullProgress[] = [];
  const meter = new PullProgressMeter(
    (progress) => told.push(progress),
    () => now,
  );
  meter.begin([{ digest: 'a', size: 1000 }]);
  for (let offset = 1; offset <= 999; offset += 1) {
    now = offset;
    meter.bytes('a', offset);
  }
  expect(told.map(({ bytesDone }) => bytesDone)).toEqual([0, 200, 400, 600, 800]);
  meter.bytes('a', 1000);
  meter.unpacked();
  expect(told.at(-1)).toEqual({ bytesDone: 1000, bytesTotal: 1000, layersUnpacked: 1, layersTotal: 1 });
});

it('says what went wrong until there is progress again', () => {
  const told: PullProgress[] = [];
  const meter = new PullProgressMeter((progress) => told.push(progress));
  meter.failed('no route to the registry');
  expect(told.at(-1)).toMatchObject({ layersTotal: 0, trouble: 'no route to the registry' });
  meter.begin([{ digest: 'a', size: 10 }]);
  expect(told.at(-1)).not.toHaveProperty('trouble');
  meter.failed('cut');
  meter.bytes('a', 1);
  expect(told.at(-1)).toEqual({ bytesDone: 1, bytesTotal: 10, layersUnpacked: 0, layersTotal: 1 });
});

it('counts a layer that is there twice once, and none that is not needed', () => {
  const told: PullProgress[] = [];
  const meter = new PullProgressMeter((progress) => told.push(progress));
  const [a, b] = [
    { digest: 'a', size: 10 },
    { digest: 'b', size: 5 },
  ];
  meter.begin([a, b, a]);
  expect(told.at(-1)).toMatchObject({ bytesTotal: 15, layersTotal: 3 });
  meter.notNeeded('b');
  meter.bytes('a', 10);
  meter.bytes('other', 99);
  meter.end();
  expect(told.at(-1)).toMatchObject({ bytesDone: 10, bytesTotal: 10 });
});
