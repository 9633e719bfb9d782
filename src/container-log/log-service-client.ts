import { DeadlineExceededError } from '../async/deadline.ts';
import { z } from '../schema.ts';
import { type ContainerId, containerId } from '../task/ids.ts';
import type { ContainerLogs, LogRequest, LogTotals, OpeningLogs, PreparedLog } from './container-logs.ts';
import { FifoHolds } from './fifo-holds.ts';
import { LOG_DRIVERS, type LogConfig } from './log-config.ts';
import { containerLogPaths } from './log-paths.ts';
import {
  type Call,
  LogServiceConnection,
  LogServiceError,
  type LogServiceLogger,
} from './log-service-connection.ts';
import type { LogServiceProcessOptions } from './log-service-process.ts';
import type { LogServiceEvent, SecretsAnswer, SecretsNeededEvent } from './protocol.ts';
import { driverSetUpError, type LogConfigDefaults, resolveLogConfig } from './resolve-log-config.ts';
import type { LogCredentials } from './service/credentials-broker.ts';
import { DROP_REASONS } from './service/log-counters.ts';

export interface LogServiceOptions extends LogServiceProcessOptions, LogConfigDefaults {
  readonly logger?: LogServiceLogger;
  readonly credentialsOf?: LogCredentialsSource;
  readonly secretsOf?: LogSecretsSource;
}

/**
 * Values of the secret log options of a task's container, fetched anew. Rejects with what is to be told when there
 * are none for now.
 */
export type LogSecretsSource = (
  task: string,
  container: ContainerId,
) => Promise<Readonly<Record<string, string>>>;

/**
 * Credentials for drivers that sign: those of an execution role by their id, the instance's with an empty id.
 * Rejects with what is to be told when there are none.
 */
export type LogCredentialsSource = (credentialsId: string) => Promise<LogCredentials>;

const fifosSchema = z.object({ stdout: z.string(), stderr: z.string() });
const listSchema = z.array(
  z.object({ id: z.pipe(z.string(), z.transform(containerId)), fifos: z.optional(fifosSchema) }),
);
const countSchema = z.object({ lines: z.number(), bytes: z.number() });
const countsSchema = z.object({
  bytesRead: z.number(),
  linesDelivered: z.number(),
  bytesDelivered: z.number(),
  retries: z.number(),
  dropped: z.record(z.enum(DROP_REASONS), countSchema),
  backlogBytes: z.number(),
  blockedMs: z.number(),
});
const statisticsSchema = z.record(z.string(), z.extend(countsSchema, { partialMessages: z.number() }));
const totalsSchema = z.record(z.string(), z.extend(countsSchema, { containers: z.number() }));

const OPEN_TIMEOUT_MS = 30_000;
/** Nothing else bounds the set-up of a driver (logging.md §24.2). */
const PREPARE_TIMEOUT_MS = 60_000;
/** 10 s for background processes, 30 s for the rest to be delivered (logging.md §24.4), and a margin. */
const FINISH_TIMEOUT_MS = 60_000;
const CALL_TIMEOUT_MS = 15_000;

/** Begins to look for the host's log service, and starts it where none runs; to be reached within 30 s. */
export function beginLogService(options: LogServiceOptions): OpeningLogs<LogServiceClient> {
  const logs = new LogServiceClient(options);
  const opened = logs.connected(OPEN_TIMEOUT_MS).catch(async (cause: unknown) => {
    await logs.close();
    throw new Error(`the log service cannot be reached; see log-service.log in ${options.dataDir}`, {
      cause,
    });
  });
  return { logs, opened };
}

/** The same, and waits until it is reached. */
export async function openLogService(options: LogServiceOptions): Promise<LogServiceClient> {
  const { logs, opened } = beginLogService(options);
  await opened;
  return logs;
}

/** The agent's side of the log service. */
export class LogServiceClient implements ContainerLogs {
  readonly drivers = LOG_DRIVERS;
  readonly #options: LogServiceOptions;
  readonly #holds = new FifoHolds();
  /** Containers whose secrets are being fetched for the service. */
  readonly #fetching = new Set<string>();
  readonly #connection: LogServiceConnection;

  constructor(options: LogServiceOptions) {
    this.#options = options;
    this.#connection = new LogServiceConnection({
      ...options,
      onConnected: (call) => this.#holdAll(call),
      onEvent: (event) => this.#onEvent(event),
    });
  }

  /** Resolves once the service answers. */
  async connected(timeoutMs: number): Promise<void> {
    await this.#connection.call({ method: 'hello' }, timeoutMs);
  }

  async prepare(request: LogRequest, { signal }: { signal: AbortSignal }): Promise<PreparedLog> {
    const { jsonLog, fifos } = containerLogPaths(this.#options, request.id);
    const config = await resolveLogConfig(request, jsonLog, this.#options);
    if (config === undefined) return { stdio: { kind: 'null' }, ready: Promise.resolve() };
    const ready = this.#setUp(request, config, signal);
    // Told to whoever waits for it.
    ready.catch(() => undefined);
    return { stdio: { kind: 'fifo', ...fifos }, ready };
  }

  async #setUp(
    { id, secretOptions: secrets = {} }: LogRequest,
    config: LogConfig,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const call = { method: 'prepare', config, secrets } as const;
      const result = await this.#connection.call(call, PREPARE_TIMEOUT_MS, signal);
      this.#holds.hold(id, fifosSchema.parse(result));
    } catch (error) {
      if (error instanceof LogServiceError || error instanceof DeadlineExceededError)
        throw driverSetUpError(error.message, error);
      throw error;
    }
  }

  async finish(id: ContainerId, { signal }: { signal: AbortSignal }): Promise<void> {
    await this.#connection.call({ method: 'finish', container: id }, FINISH_TIMEOUT_MS, signal);
    this.#holds.release(id);
  }

  async remove(id: ContainerId, { signal }: { signal: AbortSignal }): Promise<void> {
    await this.#connection.call({ method: 'remove', container: id }, CALL_TIMEOUT_MS, signal);
    this.#holds.release(id);
  }

  async list({ signal }: { signal: AbortSignal }): Promise<readonly ContainerId[]> {
    const result = await this.#connection.call({ method: 'list' }, CALL_TIMEOUT_MS, signal);
    return listSchema.parse(result).map(({ id }) => id);
  }

  /** What each container's log has counted since the service started (logging.md §25). */
  async statistics({ signal }: { signal: AbortSignal }): Promise<z.infer<typeof statisticsSchema>> {
    return statisticsSchema.parse(
      await this.#connection.call({ method: 'statistics' }, CALL_TIMEOUT_MS, signal),
    );
  }

  async totals({ signal }: { signal: AbortSignal }): Promise<Readonly<Record<string, LogTotals>>> {
    return totalsSchema.parse(await this.#connection.call({ method: 'totals' }, CALL_TIMEOUT_MS, signal));
  }

  async close(): Promise<void> {
    await this.#connection.close();
    this.#holds.releaseAll();
  }

  #onEvent(event: LogServiceEvent): void {
    switch (event.event) {
      case 'dropped': {
        const { event: _, id, ...fields } = event;
        this.#options.logger?.warn({ container: id, ...fields }, 'lines of a container log were dropped');
        return;
      }
      case 'trouble': {
        const { event: _, id, ...fields } = event;
        this.#options.logger?.warn(
          { container: id, ...fields },
          'a container log cannot be delivered for now',
        );
        return;
      }
      case 'credentialsNeeded':
        void this.#giveCredentials(event.id);
        return;
      case 'secretsNeeded':
        void this.#giveSecrets(event);
    }
  }

  /** Asked again and again by the service: once at a time for a container. */
  async #giveSecrets({ id, taskArn }: SecretsNeededEvent): Promise<void> {
    if (this.#fetching.has(id)) return;
    this.#fetching.add(id);
    try {
      const container = containerId(id);
      const answer = await this.#findSecrets(taskArn, container).catch((error: unknown) => ({
        refusal: error instanceof Error ? error.message : String(error),
      }));
      await this.#connection.call({ method: 'secrets', container, answer }, CALL_TIMEOUT_MS);
    } catch {
      // Whoever still needs them asks again.
    } finally {
      this.#fetching.delete(id);
    }
  }

  async #findSecrets(task: string, container: ContainerId): Promise<SecretsAnswer> {
    if (this.#options.secretsOf === undefined) throw new Error('this agent has no secrets to give');
    return { values: await this.#options.secretsOf(task, container) };
  }

  async #giveCredentials(credentialsId: string): Promise<void> {
    const answer = await this.#findCredentials(credentialsId).catch((error: unknown) => ({
      refusal: error instanceof Error ? error.message : String(error),
    }));
    const request = { method: 'credentials', credentialsId, answer } as const;
    // Whoever still needs them asks again.
    await this.#connection.call(request, CALL_TIMEOUT_MS).catch(() => {});
  }

  async #findCredentials(credentialsId: string): Promise<LogCredentials> {
    if (this.#options.credentialsOf === undefined) throw new Error('this agent has no credentials to give');
    return await this.#options.credentialsOf(credentialsId);
  }

  /** Also after an agent restart every FIFO that is in use gets its second reader. */
  async #holdAll(call: Call): Promise<void> {
    for (const { id, fifos } of listSchema.parse(await call({ method: 'list' })))
      if (fifos !== undefined) this.#holds.hold(id, fifos);
  }
}
