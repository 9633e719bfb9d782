import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type RunCommand, runCommand } from '../../../src/host/run-command.ts';
import { BridgeNetwork } from '../../../src/network/bridge/bridge-network.ts';
import { type ContainerId, taskArn } from '../../../src/task/ids.ts';
import type { ContainerSpec, TaskSpec } from '../../../src/task/task-spec.ts';

/*
 * A bridge network as a process of its own, told by lines of JSON. It runs in the network namespace that plays
 * the host and can be killed, also by itself: KILL_AT=n dies before the nth program it would run, KILL_AFTER=n
 * after it.
 */
const settings = z
  .object({
    RUN_DIR: z.string(),
    NAMESPACE: z.string(),
    PORTS: z.string().default('40000-40999'),
    PLUGINS: z.string().default('/opt/cni/bin:/usr/lib/cni'),
    HIDE: z.string().default(''),
    SPARES: z.coerce.number().default(0),
    REPORT: z.string().default('ipv4'),
    KILL_AT: z.coerce.number().optional(),
    KILL_AFTER: z.coerce.number().optional(),
  })
  .parse(process.env);

let runs = 0;
const mortal: RunCommand = async (program, args, options) => {
  if (settings.HIDE.split(',').includes(program))
    throw Object.assign(new Error(`${program} is hidden`), { code: 'ENOENT' });
  runs += 1;
  const nth = runs;
  if (nth === settings.KILL_AT) process.kill(process.pid, 'SIGKILL');
  const result = await runCommand(program, args, options);
  if (nth === settings.KILL_AFTER) process.kill(process.pid, 'SIGKILL');
  return result;
};

const [first = 0, last = 0] = settings.PORTS.split('-').map(Number);
const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);

const network = await BridgeNetwork.open({
  runDir: settings.RUN_DIR,
  namespace: settings.NAMESPACE,
  pluginDirectories: settings.PLUGINS.split(':'),
  portRange: { first, last },
  reportedFamilies: { ipv4: settings.REPORT.includes('ipv4'), ipv6: settings.REPORT.includes('ipv6') },
  spares: { count: settings.SPARES, afterMs: 1 },
  log: {
    info: () => undefined,
    warn: (fields, message) => say({ warning: message, ...fields }),
  },
  run: mortal,
  takeConnection: (socket, task) =>
    void socket.on('error', () => undefined).once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\n${task}`)),
});
say({ ready: true });

interface Request {
  readonly n: number;
  readonly method: 'ensure' | 'prepare' | 'complete' | 'release' | 'removeTask' | 'sweep' | 'close';
  readonly id: ContainerId;
  readonly arn: string;
  readonly container: ContainerSpec;
  readonly known: readonly string[];
}

const { signal } = new AbortController();
const methods: { readonly [M in Request['method']]: (request: Request) => Promise<unknown> } = {
  ensure: async (request) => {
    const prepared = await methods.prepare(request);
    await methods.complete(request);
    return prepared;
  },
  prepare: ({ arn, container, id }) =>
    network.prepareContainerNetwork(taskOf(arn), container, { id, signal }),
  complete: ({ arn, container, id }) =>
    network.completeContainerNetwork(taskOf(arn), container, { id, signal }),
  release: ({ arn, id }) => network.releaseContainerNetwork(taskOf(arn), { id }),
  removeTask: ({ arn }) => network.removeTaskNetwork(taskOf(arn)),
  sweep: ({ known }) =>
    network.removeLeftovers({ knowsContainer: (id) => known.includes(id), knowsTask: () => true }),
  close: () => network.close(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const request: Request = JSON.parse(line);
  void methods[request.method](request).then(
    (result) => say({ n: request.n, result: result ?? null }),
    (error: Error & { code?: string }) =>
      say({ n: request.n, error: { name: error.name, code: error.code, message: error.message } }),
  );
}

function taskOf(arn: string): TaskSpec {
  return {
    arn: taskArn(arn),
    clusterArn: 'c',
    family: 'f',
    version: '1',
    networkMode: 'bridge',
    containers: [],
    unsupported: [],
  };
}
