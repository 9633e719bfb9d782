import { parseAgentFrame, type TcsAgentMessage } from '../../wire/tcs-agent.ts';
import { ApiError } from '../api-error.ts';
import type { SignedRequest } from '../http/signature.ts';
import type { Settings } from '../settings.ts';
import type { Connection } from '../sockets/connection.ts';
import type { State } from '../state/state.ts';
import { withHealth } from '../tasks/task-report.ts';

const CONNECTION_EXPIRED = 'ConnectionExpired: Reconnect to continue';

type HealthReport = Extract<TcsAgentMessage, { type: 'PublishHealthRequest' }>['message'];
type StatusReport = Extract<TcsAgentMessage, { type: 'PublishInstanceStatusRequest' }>['message'];

export interface TcsSessionOptions {
  readonly containerInstanceArn: string;
  readonly state: State;
  readonly settings: Settings;
  /** Path and query of the upgrade: each frame is signed as a GET of them (tcs.md §2). */
  readonly path: string;
  readonly query: string;
  /** Throws an ApiError for a bad signature. */
  verify(request: SignedRequest): void;
}

/** One agent's TCS connection (tcs.md §11): frames are verified, taken in and acked. */
export class TcsSession {
  readonly containerInstanceArn: string;
  readonly #connection: Connection;
  readonly #options: TcsSessionOptions;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(connection: Connection, options: TcsSessionOptions) {
    this.containerInstanceArn = options.containerInstanceArn;
    this.#connection = connection;
    this.#options = options;
  }

  start(): void {
    const { tcsHeartbeatMs, connectionLifeMs } = this.#options.settings;
    this.#timers.push(
      setInterval(() => this.#connection.send('HeartbeatMessage', { healthy: true }), tcsHeartbeatMs),
      setTimeout(() => this.#connection.close(CONNECTION_EXPIRED), connectionLifeMs),
    );
  }

  /** Ends the timers; the connection is gone or about to go. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** A frame that cannot be taken is answered with the reason and not acked. */
  receive(text: string): void {
    const { headers, json, frame } = parseAgentFrame(text);
    // A bare frame is taken too (tcs.md §11): the upgrade has proven who sends it.
    if (Object.keys(headers).length > 0) {
      const refusal = this.#refusal(headers, json);
      if (refusal !== undefined) {
        this.#connection.send('BadRequestException', { message: refusal });
        return;
      }
    }
    if (frame.kind === 'message') {
      this.#handle(frame.message);
    } else if (frame.kind === 'malformed') {
      this.#connection.send('InvalidParameterException', { message: frame.detail });
    }
  }

  #refusal(headers: Readonly<Record<string, string>>, body: string): string | undefined {
    const { path, query, verify } = this.#options;
    const lowerCase = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    try {
      verify({ method: 'GET', path, query, headers: lowerCase, body });
      return undefined;
    } catch (error) {
      if (error instanceof ApiError) return `${error.code}: ${error.message}`;
      throw error;
    }
  }

  #handle({ type, message }: TcsAgentMessage): void {
    switch (type) {
      case 'PublishMetricsRequest':
        this.#connection.send('AckPublishMetric', { message: 'ok' });
        break;
      case 'PublishHealthRequest':
        this.#takeHealth(message);
        this.#connection.send('AckPublishHealth', { message: 'ok' });
        break;
      case 'PublishInstanceStatusRequest':
        this.#takeInstanceStatus(message);
        this.#connection.send('AckPublishInstanceStatus', { message: 'ok' });
        break;
    }
  }

  #takeHealth({ tasks }: HealthReport): void {
    const { state } = this.#options;
    state.transaction(() => {
      for (const { taskArn, containers } of tasks ?? []) {
        const task = state.tasks.get(taskArn ?? '');
        if (task?.containerInstanceArn !== this.containerInstanceArn) continue;
        const statuses = new Map(
          (containers ?? []).map(({ containerName, healthStatus }) => [containerName, healthStatus]),
        );
        const after = withHealth(task, (name) => statuses.get(name) ?? undefined);
        if (after !== task) state.tasks.put(task.taskArn, after);
      }
    });
  }

  #takeInstanceStatus({ statuses }: StatusReport): void {
    const { state } = this.#options;
    const instance = state.instances.get(this.containerInstanceArn);
    if (instance === undefined) return;
    const health = (statuses ?? []).map(({ type, status, lastUpdated, lastStatusChange }) => ({
      type: type ?? '',
      status: status ?? 'INSUFFICIENT_DATA',
      lastUpdated: lastUpdated ?? undefined,
      lastStatusChange: lastStatusChange ?? undefined,
    }));
    state.transaction(() => state.instances.put(this.containerInstanceArn, { ...instance, health }));
  }
}
