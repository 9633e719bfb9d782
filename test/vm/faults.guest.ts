import { NetworkFaults, observeFaultProblem } from '../../src/network/fault/network-faults.ts';
import type { FaultPlace, FlowFault } from '../../src/task/fault.ts';
import { taskArn, taskIdOf } from '../../src/task/ids.ts';
import { HOST, inNamespace, NetworkHost, servePorts } from '../support/network-host.ts';
import { run } from '../support/run.ts';
import { runningProcess } from '../support/running-process.ts';
import { until } from '../support/until.ts';
import { TaskApiWorld } from '../unit/metadata/task-api-world.ts';
import { sampleContainerState, sampleTask } from '../unit/store/sample-task.ts';

/*
 * Runs inside the virtual machine, whose kernel can delay and lose packets: makes faults in the network namespace of
 * a process and prints what the kernel says and how long connections take, one line of JSON.
 */

/** Longer than anything else that a connection waits for in emulation. */
const DELAY_MS = 5_000;
/** Four times what is delayed; a SYN is sent again after 1, 3, 7 and 15 s, so five are lost when nothing has come. */
const CONNECT_LIMIT_MS = 4 * DELAY_MS;
const OTHER = '10.99.0.3';
const FILTERED = '10.99.0.4';
const LATENCY: FlowFault = {
  kind: 'network-latency',
  effect: { delayMs: DELAY_MS, jitterMs: 0 },
  sources: [HOST.outside4, FILTERED],
  sourcesToFilter: [FILTERED],
  flowsPercent: 100,
};
const LOSS: FlowFault = {
  ...LATENCY,
  kind: 'network-packet-loss',
  effect: { lossPercent: 100 },
  flowsPercent: 12,
};

/** What a task asks for in place of `LATENCY` and of `LOSS`. */
const BODIES = {
  'network-latency': {
    DelayMilliseconds: DELAY_MS,
    JitterMilliseconds: 0,
    Sources: LATENCY.sources,
    SourcesToFilter: LATENCY.sourcesToFilter,
  },
  'network-packet-loss': { LossPercent: 100, Sources: LOSS.sources, FlowsPercent: 12 },
};

const { signal } = new AbortController();
const faults = new NetworkFaults();
await using task = await NetworkHost.create('fault');
for (const address of [OTHER, FILTERED])
  await run('ip', ['-n', task.outside, 'addr', 'add', `${address}/24`, 'dev', 'up0']);
using process = runningProcess(task.command('sleep', ['1000']));
const pid = await process.pidIn(task.name);
const place: FaultPlace = { kind: 'process', task: taskIdOf(taskArn('arn:x/task')), pid };
using _ = servePorts(task.outside, 'out', 'tcp:8080');
await until(async () => (await connectMs(OTHER)) !== null, {
  what: 'the server answers',
  timeoutMs: 120_000,
});

const qdiscs = () => task.run('tc', 'qdisc', 'show', 'dev', 'up0');
const ofHost = () => run('tc', ['qdisc', 'show']);
const [problem, before, hostBefore] = [await observeFaultProblem(), await qdiscs(), await ofHost()];
const started = await faults.start(place, LATENCY, signal);
const during = {
  started,
  status: await faults.status(place, LATENCY, signal),
  otherStatus: await faults.status(place, LOSS, signal),
  again: await faults.start(place, LATENCY, signal),
  other: await faults.start(place, LOSS, signal),
  tree: await qdiscs(),
  hostUnchanged: (await ofHost()) === hostBefore,
  sourceMs: await connectMs(HOST.outside4),
  filteredMs: await connectMs(FILTERED),
  otherMs: await connectMs(OTHER),
};
const stopped = await faults.stop(place, LATENCY, signal);
const after = {
  stopped,
  status: await faults.status(place, LATENCY, signal),
  restored: (await qdiscs()) === before,
  sourceMs: await connectMs(HOST.outside4),
};
await faults.start(place, LOSS, signal);
const loss = {
  status: await faults.status(place, LOSS, signal),
  again: await faults.start(place, LATENCY, signal),
  tree: await qdiscs(),
};
await faults.stop(place, LOSS, signal);
await faults.start(place, { ...LOSS, flowsPercent: 100 }, signal);
const lost = {
  source: await connectMs(HOST.outside4),
  filtered: await connectMs(FILTERED),
  other: await connectMs(OTHER),
};
await faults.stop(place, LOSS, signal);
const asked = await byRequests();
const afterLoss = { source: await connectMs(HOST.outside4), restored: (await qdiscs()) === before };
console.log(JSON.stringify({ problem: problem ?? null, during, after, loss, lost, afterLoss, asked }));

/** The same by the requests of a container of the task, all of them within the time that one may take. */
async function byRequests() {
  const sample = sampleTask('one');
  const asking = {
    ...sample,
    spec: { ...sample.spec, networkMode: 'awsvpc' as const, faultInjection: true },
    containers: [{ ...sampleContainerState('app'), createdAt: 1, pid }],
  };
  await using api = new TaskApiWorld({ tasks: [asking], faults });
  const scope = { kind: 'task', taskId: taskIdOf(asking.spec.arn) } as const;
  const post = async (kind: keyof typeof BODIES, operation: 'start' | 'stop' | 'status') => {
    const path = `/api/${api.ids.idOf(asking.spec, 'app')}/fault/v1/${kind}/${operation}`;
    const { status, json } = await api.request(scope, path, {
      method: 'POST',
      body: operation === 'start' ? JSON.stringify(BODIES[kind]) : '',
    });
    return [status, json];
  };
  return {
    latency: await post('network-latency', 'start'),
    state: await post('network-latency', 'status'),
    conflict: await post('network-packet-loss', 'start'),
    sourceMs: await connectMs(HOST.outside4),
    stopped: await post('network-latency', 'stop'),
    loss: await post('network-packet-loss', 'start'),
    lossTree: await qdiscs(),
    lossStopped: await post('network-packet-loss', 'stop'),
    failures: api.faultFailures.map(String),
  };
}

/** How long a connection from the task takes, ms; null when none can be made in time. */
async function connectMs(address: string): Promise<number | null> {
  const script = `const { connect } = require('node:net'); const begun = performance.now();
    connect(8080, '${address}').once('connect', () => { console.log(performance.now() - begun); process.exit(); })
      .once('error', () => { console.log('null'); process.exit(); });
    setTimeout(() => { console.log('null'); process.exit(); }, ${CONNECT_LIMIT_MS});`;
  const [program, args] = inNamespace(task.name, globalThis.process.execPath, ['-e', script]);
  return JSON.parse(await run(program, args, { timeoutMs: 120_000 })) as number | null;
}
