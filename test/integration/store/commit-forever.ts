import { openStore } from '../../../src/store/sqlite-store.ts';
import { sampleReport, sampleTask } from '../../unit/store/sample-task.ts';

/**
 * Child process: commits to the data directory given until it is killed, several callers at a time, and prints
 * `<outbox id> <reason>` for each commit once it is acked. Each commit also puts a task that names the reason.
 */
const [dataDir = '', run = ''] = process.argv.slice(2);
const store = openStore(dataDir);
process.stdout.write('open\n');

async function commitForever(caller: number): Promise<never> {
  for (let n = 0; ; n += 1) {
    const reason = `${run}-${caller}-${n}`;
    const [id] = await store.commit([
      { kind: 'enqueueReport', report: sampleReport(`task${caller}`, reason) },
      { kind: 'putTask', task: sampleTask(`task${caller}`, { stoppedReason: reason }) },
    ]);
    process.stdout.write(`${id} ${reason}\n`);
  }
}

await Promise.all([1, 2, 3, 4].map(commitForever));
