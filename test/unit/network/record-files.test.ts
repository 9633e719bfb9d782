import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RecordFiles } from '../../../src/network/record-files.ts';
import { z } from '../../../src/schema.ts';
import { makeScratch } from '../../support/scratch.ts';

const openIn = (directory: string) =>
  new RecordFiles(directory, z.object({ n: z.int() }), (key: string) => `${key}.json`);

test('what was not written to the end is no record, and goes; what cannot be read stays', async () => {
  await using scratch = makeScratch();
  const { directory } = scratch;
  await openIn(directory).write('whole', { n: 1 });
  writeFileSync(join(directory, 'half.json.part'), '{"n":');
  writeFileSync(join(directory, 'torn.json'), '{"n":');
  expect(await openIn(directory).list()).toEqual([{ n: 1 }]);
  expect(readdirSync(directory).toSorted()).toEqual(['torn.json', 'whole.json']);
});

test('what is being written meanwhile is not taken for that', async () => {
  await using scratch = makeScratch();
  const records = openIn(scratch.directory);
  const keys = Array.from({ length: 50 }, (_, n) => String(n));
  const written = Promise.all(keys.map((key) => records.write(key, { n: Number(key) })));
  for (let n = 0; n < 20; n += 1) await records.list();
  await written;
  expect(await records.list()).toHaveLength(50);
});
