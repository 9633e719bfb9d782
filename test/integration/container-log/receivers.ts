import { createReadStream, existsSync } from 'node:fs';
import { readLogs } from '../../../src/container-log/read-logs.ts';
import type { ContainerId } from '../../../src/task/ids.ts';
import { CloudWatchDouble, type Fault } from '../../support/cloudwatch-logs.ts';
import { ForwardServer } from '../../support/forward-server.ts';
import { Journald } from '../../support/journald.ts';
import { Rsyslog } from '../../support/rsyslog.ts';
import type { LogStage, StageOptions } from './log-stage.ts';
import type { LineTally } from './numbered-lines.ts';

/** Where a driver's lines arrive. */
export interface Receiver extends AsyncDisposable {
  readonly options: Readonly<Record<string, string>>;
  /** Bytes of lines that may come twice for each kill of the log service: a batch; 0: none does. */
  readonly batchBytes: number;
  /** Of a log stage that reaches it. */
  readonly stage?: StageOptions;
  /** Counts what arrives of a container's log until the signal aborts. */
  receive(tally: LineTally, log: ReceivedLog): Promise<void>;
  /** Takes nothing any more, or takes it again; absent: the log has no destination that could. */
  stall?(isStalled: boolean): void;
}

export interface ReceivedLog {
  readonly stage: LogStage;
  readonly id: ContainerId;
  readonly signal: AbortSignal;
}

const PAUSE_MS = 50;

/** Every driver that can be asked to deliver all, and what its lines arrive at; `random` decides on faults. */
export const RECEIVERS: Readonly<Record<string, (random: () => number) => Promise<Receiver>>> = {
  'json-file': async () => logFile(),
  local: async () => logFile(),
  awslogs: cloudWatchLogs,
  fluentd: forwardServer,
  syslog: rsyslog,
  journald,
};

function logFile(): Receiver {
  return {
    options: { 'max-size': '50m', 'max-file': '100', compress: 'true' },
    batchBytes: 0,
    receive: async (tally, { stage, id, signal }) => {
      for await (const { text } of readLogs({ dataDir: stage.dataDir, id, follow: true, signal }))
        tally.add(text);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Throttles, fails and hangs now and then. */
async function cloudWatchLogs(random: () => number): Promise<Receiver> {
  const cloud = await CloudWatchDouble.start();
  cloud.groups.set('g', new Set());
  // Checking signatures costs the receiver more than the sender.
  cloud.keys = 'any';
  const faults: readonly Fault[] = [
    { kind: 'error', status: 400, code: 'ThrottlingException' },
    { kind: 'error', status: 503, code: 'ServiceUnavailableException' },
    { kind: 'reset' },
    { kind: 'hang', forMs: 500 },
  ];
  let isStalled = false;
  cloud.fault = (operation) => {
    if (operation !== 'PutLogEvents') return undefined;
    if (isStalled) return { kind: 'hang' };
    return random() < 0.05 ? faults[Math.floor(random() * faults.length)] : undefined;
  };
  return {
    options: {
      'awslogs-group': 'g',
      'awslogs-endpoint': cloud.url,
      'awslogs-force-flush-interval-seconds': '1',
    },
    batchBytes: 1024 * 1024,
    receive: async (tally, { signal }) => {
      await polled(signal, () => {
        for (const { events } of cloud.puts.splice(0)) for (const { message } of events) tally.add(message);
      });
      if (cloud.violations.length > 0) throw new Error(cloud.violations.join(', '));
    },
    stall: (wanted) => {
      isStalled = wanted;
      if (!wanted) cloud.hangUp();
    },
    [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
  };
}

async function forwardServer(): Promise<Receiver> {
  const server = await ForwardServer.start();
  return {
    options: { 'fluentd-address': `127.0.0.1:${server.port}`, 'fluentd-request-ack': 'true' },
    batchBytes: 256 * 1024,
    receive: (tally, { signal }) =>
      polled(signal, () => {
        for (const { record } of server.messages.splice(0)) tally.add(String(record.log));
      }),
    stall: (isStalled) => server.stall(isStalled),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function rsyslog(): Promise<Receiver> {
  const server = await Rsyslog.start();
  return {
    options: { 'syslog-address': `tcp://127.0.0.1:${server.port}`, 'syslog-format': 'rfc5424' },
    batchBytes: 256 * 1024,
    receive: async (tally, { signal }) => {
      let at = 0;
      await polled(signal, async () => {
        if (!existsSync(server.file)) return;
        let rest = '';
        for await (const piece of createReadStream(server.file, { start: at, encoding: 'latin1' })) {
          const lines = (rest + String(piece)).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            at += line.length + 1;
            tally.add(line.slice(line.lastIndexOf('|') + 1).trim());
          }
        }
      });
    },
    stall: (isStalled) => server.stall(isStalled),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function journald(): Promise<Receiver> {
  const server = await Journald.start();
  return {
    options: {},
    batchBytes: 256 * 1024,
    stage: { nodePath: () => server.nodePath },
    receive: async (tally, { id, signal }) => {
      for await (const message of server.messages(id, signal)) tally.add(message);
    },
    stall: (isStalled) => server.stall(isStalled),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Looks again and again, the last time after the end. */
async function polled(signal: AbortSignal, look: () => void | Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await look();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await look();
}
