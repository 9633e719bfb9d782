import { createServer } from 'node:http';
import { createServer as createListener } from 'node:net';
import { CredentialsStore } from '../../src/credentials/credentials-store.ts';
import { EndpointIds } from '../../src/metadata/endpoint-ids.ts';
import { RateLimiter } from '../../src/metadata/rate-limit.ts';
import { EndpointTasks } from '../../src/metadata/task-api/endpoint-tasks.ts';
import { TaskApiServer } from '../../src/metadata/task-api/task-api-server.ts';
import { sampleContainerState, sampleTask } from '../../test/unit/store/sample-task.ts';

/*
 * A process of its own for the bench: the server that answers tasks, with so many tasks, and beside it a bare HTTP
 * server that answers the same bytes. Says on its output where they are; ends with its input.
 *
 *   metadata-server.ts TASKS
 */

const count = Number(process.argv[2]);
const tasks = Array.from({ length: count }, (_, n) => {
  const task = sampleTask(`${n}`.padStart(32, '0'));
  return { ...task, containers: [{ ...sampleContainerState('app'), createdAt: task.receivedAt }] };
});
const ids = new EndpointIds('0b'.repeat(32));
const unexpected = () => Promise.reject(new Error('not asked for here'));
const server = new TaskApiServer({
  sources: {
    tasks: new EndpointTasks({ ids, tasks: () => tasks, callsFromHost: () => true }),
    store: new CredentialsStore(),
    instance: () => ({ cluster: 'default', volumesDirectory: '/volumes' }),
    statistics: { latest: () => 'unwatched', networkRates: () => undefined },
    readTags: async () => ({ errors: [] }),
    protection: { getProtection: unexpected, updateProtection: unexpected },
    faults: { start: unexpected, stop: unexpected, status: unexpected },
    faultLimiter: new RateLimiter({ steady: 1, burst: 1 }),
    onFaultFailed: () => {},
  },
  // The bench is to find out what the server can do, not what it lets through.
  limiter: new RateLimiter({ steady: 1e9, burst: 1e9 }),
  audit: () => {},
  onRequestFailed: (error) => {
    throw error;
  },
  onListenFailed: (error) => {
    throw error;
  },
});
const api = createListener((socket) => server.take(socket, { kind: 'host' }));
const paths = tasks.map(({ spec }) => `/v4/${ids.idOf(spec, 'app')}/task`);
const apiPort = await listening(api);
const answer = await fetch(`http://127.0.0.1:${apiPort}${paths[0]}`);
const body = await answer.text();
const bare = createServer((_, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
});
console.log(JSON.stringify({ api: apiPort, bare: await listening(bare), paths }));
process.stdin.on('end', () => process.exit(0)).resume();

async function listening(one: typeof api): Promise<number> {
  await new Promise<void>((resolve) => {
    one.listen(0, '127.0.0.1', resolve);
  });
  const address = one.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
