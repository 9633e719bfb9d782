import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../async/clock.ts';
import { withDeadline } from '../async/deadline.ts';
import { ReconnectingSocket, type SocketEnd, type SocketState } from '../async/reconnecting-socket.ts';
import { type OpenWebSocket, webSocketOpener } from '../async/web-socket.ts';
import { sessionUrl } from '../wire/session-url.ts';
import { encodeAgentMessage, parseFrame, type TcsMessageType, tcsTime } from '../wire/tcs.ts';
import type { TcsAgentMessage } from '../wire/tcs-agent.ts';
import { type Cycle, CycleQueue } from './cycle-queue.ts';
import { healthRequests, type TaskHealth } from './health-requests.ts';
import type { InstanceHealth } from './instance-health.ts';
import { idleRequest, metricsRequests, type TaskMeasurements } from './stats/metrics-requests.ts';

/** How the agent names itself and its instance in the upgrade (tcs.md §1) and in its messages. */
export interface TelemetryIdentity {
  readonly cluster: string;
  readonly containerInstanceArn: string;
  readonly agentVersion: string;
  readonly agentHash: string;
  /** Absent: the parameter is left out, as it is with containerd (TCS-02). */
  readonly dockerVersion?: string;
  readonly userAgent: string;
}

export interface TelemetrySessionOptions {
  readonly identity: TelemetryIdentity;
  readonly health: InstanceHealth;
  readonly logger: Logger;
  /** Where TCS is; cached by the caller. */
  discover(signal: AbortSignal): Promise<{ readonly telemetry?: string }>;
  /** Headers that sign a GET of that URL with an empty body. */
  signUpgrade(url: URL, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** The whole frame: signed header block, empty line, JSON (tcs.md §2). */
  signFrame(url: URL, json: string, signal: AbortSignal): Promise<string>;
  /** What the cycle that is due has to say: that nothing runs, or what was measured since the last one. */
  metricsCycle(): 'idle' | readonly TaskMeasurements[];
  /** Tasks with health-checked containers that have not ended. */
  healthCycle(): readonly TaskHealth[];
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly open?: OpenWebSocket;
}

const MINUTE_MS = 60_000;
/** Metrics cycles on a clock that starts with the agent; status on one that starts with the connection. */
const CYCLE_MS = 20_000;
const SIGN_LIMIT_MS = 30_000;

/** Messages that keep the connection alive; others do not (tcs.md §4). */
const SIGNS_OF_LIFE: ReadonlySet<TcsMessageType> = new Set([
  'HeartbeatMessage',
  'AckPublishMetric',
  'AckPublishHealth',
  'AckPublishInstanceStatus',
]);

/** The TCS session: connected, or about to be, from `start` to `stop` (tcs.md §1–§6, §10). */
export class TelemetrySession {
  readonly #options: TelemetrySessionOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #socket: ReconnectingSocket;
  readonly #metrics = new CycleQueue();
  readonly #health = new CycleQueue();
  #started = false;
  readonly #aborter = new AbortController();
  /** URL of the present connection; each frame is signed for it. */
  #url: URL | undefined;
  #sending: Promise<void> = Promise.resolve();
  #cancelCycle: () => void = () => {};
  #cancelStatus: () => void = () => {};

  constructor(options: TelemetrySessionOptions) {
    const { clock = systemClock, random = Math.random, open = webSocketOpener({ clock }) } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = options.logger.child({ channel: 'tcs' });
    this.#socket = new ReconnectingSocket({
      clock,
      random,
      open,
      backoff: { minMs: 1_000, maxMs: MINUTE_MS, factor: 2, jitter: 0.2 },
      inactivity: { minMs: MINUTE_MS, spreadMs: MINUTE_MS, action: 'close' },
      maxAge: { minMs: 30 * MINUTE_MS, spreadMs: 5 * MINUTE_MS },
      prepare: (signal) => this.#prepare(signal),
      onConnected: () => this.#onConnected(),
      onText: (text) => this.#onText(text),
      onEnded: (end, nextInMs) => this.#onEnded(end, nextInMs),
    });
  }

  get state(): SocketState {
    return this.#socket.state;
  }

  /** Connects and begins the metrics cycles, the first one at once (TCS-12). */
  start(): void {
    this.#socket.start();
    this.#runCycle();
  }

  /** Closes the connection without a close frame and waits for what is being sent. */
  async stop(): Promise<void> {
    this.#aborter.abort(new Error('the telemetry session was stopped'));
    this.#cancelCycle();
    this.#cancelStatus();
    await this.#socket.stop();
    await this.#sending;
  }

  /** ECS says that the instance is inactive: the connection is cut and opened again after its backoff (OBS-44). */
  disconnect(): void {
    this.#socket.drop('the container instance is inactive');
  }

  async #prepare(signal: AbortSignal): Promise<{ url: URL; headers: Record<string, string> }> {
    const { identity, discover, signUpgrade } = this.#options;
    const { telemetry } = await discover(signal);
    if (telemetry === undefined || telemetry === '')
      throw new Error('DiscoverPollEndpoint gave no telemetry endpoint');
    const url = sessionUrl(telemetry, {
      agentHash: identity.agentHash,
      agentVersion: identity.agentVersion,
      cluster: identity.cluster,
      containerInstance: identity.containerInstanceArn,
      dockerVersion: identity.dockerVersion,
    });
    const headers = await signUpgrade(url, signal);
    this.#url = url;
    return { url, headers: { ...headers, 'User-Agent': identity.userAgent } };
  }

  #onConnected(): void {
    this.#log.info('connected to TCS');
    this.#scheduleStatus();
    this.#serially(() => this.#sendCycles());
  }

  #onEnded(end: SocketEnd, nextInMs: number): void {
    this.#cancelStatus();
    const fields = { nextInMs: Math.round(nextInMs) };
    if (end.kind === 'clean')
      this.#log.info({ ...fields, detail: end.detail }, 'TCS connection ended; connecting again');
    else this.#log.warn({ ...fields, err: end.error }, 'TCS connection failed; connecting again');
  }

  #onText(text: string): void {
    const frame = parseFrame(text);
    switch (frame.kind) {
      case 'message': {
        const { type, message } = frame.message;
        if (SIGNS_OF_LIFE.has(type)) this.#socket.touch();
        else this.#log.info({ type, message }, 'note from TCS');
        return;
      }
      case 'unknown':
        this.#log.warn({ type: frame.type }, 'message of unknown type; dropped');
        return;
      case 'error':
        this.#log.warn({ error: frame.name, detail: frame.text }, 'error from TCS');
        return;
      case 'malformed':
        this.#log.warn({ detail: frame.detail }, 'malformed message; dropped');
    }
  }

  /** Nothing waits for the cycle before. */
  #runCycle(): void {
    this.#cancelCycle = this.#clock.after(CYCLE_MS, () => this.#runCycle());
    this.#keep(this.#metrics, this.#metricsRequests(), 'metrics');
    // The first cycle is the start itself: no probe can have run (OBS-62).
    const tasks = this.#started ? this.#options.healthCycle() : [];
    this.#started = true;
    this.#keep(this.#health, healthRequests(this.#instance(), tasks, this.#clock.now()), 'health');
    this.#serially(() => this.#sendCycles());
  }

  /** A cycle that says nothing is not sent (TCS-33, TCS-47). */
  #keep(queue: CycleQueue, cycle: Cycle, what: string): void {
    if (cycle.length > 0 && !queue.push(cycle))
      this.#log.warn({ what }, 'TCS is out of reach for too long; this cycle is dropped');
  }

  #metricsRequests(): Cycle {
    const measured = this.#options.metricsCycle();
    const now = this.#clock.now();
    const instance = this.#instance();
    return measured === 'idle' ? [idleRequest(instance, now)] : metricsRequests(instance, measured, now);
  }

  /** One look every 20 s from the connect on; there is something to say once per run of the checks (TCS-58). */
  #scheduleStatus(): void {
    this.#cancelStatus = this.#clock.after(CYCLE_MS, () => {
      this.#scheduleStatus();
      this.#serially(() => this.#sendStatus());
    });
  }

  async #sendStatus(): Promise<void> {
    const { health } = this.#options;
    const status = health.unreported;
    if (status === undefined) return;
    await this.#send({
      type: 'PublishInstanceStatusRequest',
      message: {
        metadata: { ...this.#instance(), requestId: randomUUID() },
        statuses: [
          {
            type: 'ContainerRuntime',
            status: status.status,
            lastUpdated: tcsTime(status.lastUpdatedAt),
            lastStatusChange: tcsTime(status.lastChangedAt),
          },
        ],
        timestamp: tcsTime(this.#clock.now()),
      },
    });
    health.markReported(status);
  }

  /** Sends what has piled up, oldest first. A request that fails takes the rest of its cycle with it (TCS-40). */
  async #sendCycles(): Promise<void> {
    while (this.#socket.state.connected) {
      const cycle = this.#metrics.shift() ?? this.#health.shift();
      if (cycle === undefined) return;
      await this.#sendCycle(cycle).catch((error: unknown) =>
        this.#log.warn({ err: error }, 'a cycle could not be sent and is dropped'),
      );
    }
  }

  async #sendCycle(cycle: Cycle): Promise<void> {
    for (const request of cycle) await this.#send(request);
  }

  async #send(message: TcsAgentMessage): Promise<void> {
    const url = this.#url;
    if (url === undefined) throw new Error('not connected');
    const frame = await withDeadline('signing a frame', SIGN_LIMIT_MS, this.#aborter.signal, (signal) =>
      this.#options.signFrame(url, encodeAgentMessage(message), signal),
    );
    await this.#socket.send(frame);
  }

  /** Runs after what was asked for before; failures are logged. */
  #serially(work: () => Promise<void>): void {
    this.#sending = this.#sending.then(work).catch((error: unknown) => {
      if (!this.#aborter.signal.aborted) this.#log.warn({ err: error }, 'message to TCS could not be sent');
    });
  }

  #instance(): { cluster: string; containerInstance: string } {
    const { cluster, containerInstanceArn } = this.#options.identity;
    return { cluster, containerInstance: containerInstanceArn };
  }
}
