import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openStore } from '../../../src/store/sqlite-store.ts';

test('lets commits of some turns share a transaction while there are many, and holds up none that is alone', async () => {
  const exec = vi.spyOn(DatabaseSync.prototype, 'exec');
  onTestFinished(() => exec.mockRestore());
  const directory = mkdtempSync(join(tmpdir(), 'ecs-test-store-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const store = openStore(directory);
  const commit = () => store.commit([{ kind: 'deleteReport', id: 1 }]);
  /** How many transactions two commits take that come some turns apart. */
  const apart = async () => {
    exec.mockClear();
    const first = commit();
    for (let turns = 0; turns < 3; turns += 1) await nextTurn();
    await Promise.all([first, commit()]);
    return exec.mock.calls.filter(([sql]) => sql.startsWith('COMMIT')).length;
  };
  await commit();
  expect(await apart()).toBe(2);
  // A machine that has other things to do may let the time pass.
  const afterMany = async () => {
    await Promise.all([commit(), commit()]);
    return await apart();
  };
  await expect.poll(afterMany, { timeout: 5_000, interval: 0 }).toBe(1);
  await store.close();
});
