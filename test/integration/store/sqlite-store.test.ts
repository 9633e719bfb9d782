import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MIGRATIONS } from '../../../src/store/migrations.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { run } from '../../support/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { arnOf, sampleContainerState, sampleReport, sampleTask } from '../../unit/store/sample-task.ts';
import { transactionsIn } from './journal.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(async () => await scratch.remove());

function withDatabase<T>(work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(scratch.path('agent.db'));
  try {
    return work(db);
  } finally {
    db.close();
  }
}

test('keeps tasks, reports and metadata over a restart', async () => {
  const task = sampleTask('t1', {
    unsettledReports: 2,
    containers: [sampleContainerState('b'), sampleContainerState('a')],
  });
  const first = openStore(scratch.directory);
  const ids = await first.commit([
    { kind: 'putTask', task },
    { kind: 'enqueueReport', report: sampleReport('t1', 'one') },
    { kind: 'enqueueReport', report: sampleReport('t1', 'two') },
    { kind: 'putMeta', key: 'container-instance-arn', value: 'arn:i' },
  ]);
  await first.close();

  const second = openStore(scratch.directory);
  expect(await second.load()).toEqual({
    tasks: [task],
    outbox: [
      { id: ids[0], report: sampleReport('t1', 'one') },
      { id: ids[1], report: sampleReport('t1', 'two') },
    ],
    meta: new Map([['container-instance-arn', 'arn:i']]),
    images: [],
    attachments: [],
    quarantined: [],
  });
  await second.close();
});

test('counts the unsettled reports of a task anew, which a crash between two commits has left too high', async () => {
  const first = openStore(scratch.directory);
  const [id = -1] = await first.commit([
    { kind: 'enqueueReport', report: sampleReport('t1', 'answered') },
    { kind: 'enqueueReport', report: sampleReport('t1', 'not answered') },
    { kind: 'putTask', task: sampleTask('t1', { unsettledReports: 2 }) },
    { kind: 'putTask', task: sampleTask('t2', { unsettledReports: 1 }) },
  ]);
  await first.commit([{ kind: 'deleteReport', id }]);
  await first.close();

  const second = openStore(scratch.directory);
  expect((await second.load()).tasks.map((task) => task.unsettledReports)).toEqual([1, 0]);
  await second.close();
});

test('keeps its files from other users', async () => {
  writeFileSync(scratch.path('agent.db'), '');
  chmodSync(scratch.path('agent.db'), 0o644);
  const store = openStore(scratch.directory);
  await store.commit([{ kind: 'putMeta', key: 'boot-id', value: 'b' }]);
  for (const file of ['agent.db', 'agent.db-wal', 'agent.db-shm'])
    expect(statSync(scratch.path(file)).mode & 0o777).toBe(0o600);
  await store.close();
});

test('can be read by the sqlite3 library while the agent runs', async () => {
  const store = openStore(scratch.directory);
  await store.commit([{ kind: 'putMeta', key: 'boot-id', value: 'b' }]);
  expect(withDatabase((db) => db.prepare('SELECT value FROM meta').get()?.value)).toBe('b');
  await store.close();
});

test('writes commits that arrive together in one transaction', async () => {
  const store = openStore(scratch.directory);
  const before = transactionsIn(readFileSync(scratch.path('agent.db-wal')));
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => store.commit([{ kind: 'putTask', task: sampleTask(`t${n}`) }])),
  );
  expect(transactionsIn(readFileSync(scratch.path('agent.db-wal'))) - before).toBe(1);
  expect((await store.load()).tasks).toHaveLength(50);
  await store.close();
});

describe('a bad record', () => {
  const tampered = async (sql: string) => {
    const store = openStore(scratch.directory);
    await store.commit([
      { kind: 'putTask', task: sampleTask('good') },
      { kind: 'putTask', task: sampleTask('bad') },
      { kind: 'enqueueReport', report: sampleReport('good', 'first') },
      { kind: 'enqueueReport', report: sampleReport('good', 'second') },
    ]);
    await store.close();
    withDatabase((db) => db.exec(sql));
  };
  const quarantineRows = () =>
    withDatabase((db) => db.prepare('SELECT origin, key, record, error FROM quarantine ORDER BY id').all());

  test('of a task is moved to quarantine with its containers, and the rest is loaded', async () => {
    await tampered(`UPDATE tasks SET record = '{"v":1' WHERE id = 'bad'`);
    const store = openStore(scratch.directory);
    const state = await store.load();
    expect(state.tasks.map((task) => task.spec.arn)).toEqual([arnOf('good')]);
    expect(state.outbox).toHaveLength(2);
    expect(state.quarantined.map(({ table, key }) => `${table} ${key}`)).toEqual([
      'tasks bad',
      'containers bad-app',
    ]);
    expect((await store.load()).quarantined).toEqual([]);
    await store.close();
    expect(quarantineRows()).toMatchObject([
      { origin: 'tasks', key: 'bad', record: '{"v":1' },
      { key: 'bad-app' },
    ]);
  });

  test('of a container takes its task along', async () => {
    await tampered(`UPDATE containers SET record = '{"v":1,"name":"app"}' WHERE key = 'bad-app'`);
    const store = openStore(scratch.directory);
    const state = await store.load();
    expect(state.tasks.map((task) => task.spec.arn)).toEqual([arnOf('good')]);
    expect(state.quarantined).toEqual([
      { table: 'tasks', key: 'bad', error: expect.stringContaining('"app"') },
      { table: 'containers', key: 'bad-app', error: expect.stringContaining('generation') },
    ]);
    await store.close();
  });

  test('of a container whose task is missing in the store is a load error (ENG-121)', async () => {
    await tampered(`DELETE FROM tasks WHERE id = 'bad'`);
    const store = openStore(scratch.directory);
    const state = await store.load();
    expect(state.tasks.map((task) => task.spec.arn)).toEqual([arnOf('good')]);
    expect(state.quarantined).toEqual([
      { table: 'containers', key: 'bad-app', error: 'the record of its task is missing' },
    ]);
    await store.close();
  });

  test('of the outbox does not hold up the reports after it', async () => {
    await tampered(`UPDATE outbox SET record = 'x' WHERE id = 1`);
    const store = openStore(scratch.directory);
    const state = await store.load();
    expect(state.outbox.map(({ id, report }) => [id, report.reason])).toEqual([[2, 'second']]);
    expect(state.quarantined).toMatchObject([{ table: 'outbox', key: '1' }]);
    await store.close();
  });
});

test('brings a database of an older layout to the present one and keeps its records', async () => {
  const store = openStore(scratch.directory);
  await store.commit([{ kind: 'putTask', task: sampleTask('t1') }]);
  await store.close();
  const next = [...MIGRATIONS, { name: 'a note', sql: `ALTER TABLE tasks ADD COLUMN note TEXT DEFAULT 'n'` }];
  const lifted = openStore(scratch.directory, next);
  expect((await lifted.load()).tasks).toEqual([sampleTask('t1')]);
  await lifted.close();
  const versions = withDatabase((db) => db.prepare('SELECT version, name FROM schema_version').all());
  expect(versions.map(({ version }) => version)).toEqual(next.map((_, index) => index + 1));
  expect(versions.at(-1)).toMatchObject({ name: 'a note' });
  expect(withDatabase((db) => db.prepare('SELECT note FROM tasks').get()?.note)).toBe('n');
});

test('leaves the layout as it was when a migration fails', async () => {
  await openStore(scratch.directory).close();
  const broken = [...MIGRATIONS, { name: 'broken', sql: 'CREATE TABLE half (a); SELECT nonsense' }];
  expect(() => openStore(scratch.directory, broken)).toThrow(expect.objectContaining({ code: 'io' }));
  expect(
    withDatabase((db) => db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'half'`).get()),
  ).toBeUndefined();
  await openStore(scratch.directory).close();
});

test.each([
  ['the database', (dataDir: string) => rmSync(`${dataDir}/agent.db`)],
  ['the data directory', (dataDir: string) => rmSync(dataDir, { recursive: true })],
  [
    'the database, and another put in its place',
    (dataDir: string) => {
      rmSync(`${dataDir}/agent.db`);
      writeFileSync(`${dataDir}/agent.db`, 'something else');
    },
  ],
])('writes everything anew when somebody deletes %s under it, and keeps its lock', async (_, remove) => {
  const dataDir = scratch.path('data');
  const store = openStore(dataDir);
  await store.commit([
    { kind: 'putTask', task: sampleTask('before') },
    { kind: 'enqueueReport', report: sampleReport('before', 'kept') },
  ]);
  remove(dataDir);
  await store.commit([{ kind: 'putTask', task: sampleTask('after') }]);
  expect(() => openStore(dataDir)).toThrow(expect.objectContaining({ code: 'locked' }));
  await store.commit([{ kind: 'enqueueReport', report: sampleReport('after', 'second') }]);
  expect(statSync(`${dataDir}/agent.db`).mode & 0o777).toBe(0o600);
  await store.close();

  const again = openStore(dataDir);
  const { tasks, outbox, setAside, quarantined } = await again.load();
  expect({ setAside, quarantined }).toEqual({ setAside: undefined, quarantined: [] });
  expect(tasks.map((task) => task.spec.arn)).toEqual([arnOf('after'), arnOf('before')]);
  expect(outbox.map(({ report }) => report.reason)).toEqual(['kept', 'second']);
  await again.close();
});

test('rejects commits while the disk is full, acks none of them and works again after that', async () => {
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', scratch.directory]);
  const store = openStore(scratch.directory);
  await store.commit([{ kind: 'putTask', task: sampleTask('before') }]);
  const filler = scratch.path('filler');
  await run('sh', ['-c', `dd if=/dev/zero of=${filler} bs=4k 2>/dev/null; true`]);

  const refused = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) =>
      store.commit([
        { kind: 'putTask', task: sampleTask(`refused${n}`, { stoppedReason: 'x'.repeat(4_000) }) },
        { kind: 'enqueueReport', report: sampleReport(`refused${n}`, '') },
      ]),
    ),
  );
  for (const result of refused)
    expect(result).toMatchObject({ status: 'rejected', reason: { name: 'StoreError', code: 'full' } });
  expect((await store.load()).tasks.map((task) => task.spec.arn)).toEqual([arnOf('before')]);

  rmSync(filler);
  await store.commit([{ kind: 'putTask', task: sampleTask('later') }]);
  const { tasks, outbox } = await store.load();
  expect(tasks.map((task) => task.spec.arn)).toEqual([arnOf('before'), arnOf('later')]);
  expect(outbox).toEqual([]);
  await store.close();
});
