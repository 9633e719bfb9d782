import type { Logger } from 'pino';
import { type Clock, sleepOn, systemClock } from '../async/clock.ts';
import { ReconnectingSocket, type SocketEnd, type SocketState } from '../async/reconnecting-socket.ts';
import { type OpenWebSocket, UpgradeRefusedError, webSocketOpener } from '../async/web-socket.ts';
import type { AttachmentIntake } from '../attachment/attachment-intake.ts';
import type { CredentialsStore } from '../credentials/credentials-store.ts';
import type { TaskIntake } from '../engine/task-intake.ts';
import {
  type AcsAgentMessage,
  type AcsMessageBody,
  type AcsMessageType,
  describeRefusal,
  encodeAgentMessage,
  parseFrame,
} from '../wire/acs.ts';
import { sessionUrl } from '../wire/session-url.ts';
import type { AcsContext, Reply } from './handler.ts';
import { InboundQueue } from './inbound-queue.ts';
import { type ManifestNumber, ManifestState } from './manifest-state.ts';
import { ACS_MESSAGES, type MessageEntry } from './messages.ts';

/** How the agent names itself and its instance in the upgrade (acs.md §2). */
export interface SessionIdentity {
  /** The cluster exactly as configured. */
  readonly cluster: string;
  readonly containerInstanceArn: string;
  readonly agentVersion: string;
  readonly agentHash: string;
  /** Absent: the parameter is left out. */
  readonly dockerVersion?: string;
  readonly userAgent: string;
}

export interface AcsSessionOptions {
  readonly identity: SessionIdentity;
  readonly intake: TaskIntake;
  readonly credentials: CredentialsStore;
  /** Absent: ENIs are not taken (ECS_ENABLE_TASK_ENI). */
  readonly attachments?: AttachmentIntake;
  readonly manifestNumber: ManifestNumber;
  readonly logger: Logger;
  /** Where ACS is; cached by the caller (acs.md §1). */
  discover(signal: AbortSignal): Promise<{ readonly acs: string }>;
  /** Headers that sign a GET of that URL with an empty body. */
  signUpgrade(url: URL, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** A heartbeat came: start the health checks, without waiting for them. */
  onHeartbeat(): void;
  onConnected?(): void;
  /** A connection or an attempt to connect failed; it is tried again. Not told of clean ends. */
  onFailed?(error: Error): void;
  /** ECS says that the instance is inactive; TCS is to be disconnected. Tasks run on (ACS-70). */
  onInactive(): void;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly open?: OpenWebSocket;
}

const MINUTE_MS = 60_000;
const INACTIVE_RETRY_MS = 60 * MINUTE_MS;
/** A handler that takes longer is given up, so that the messages behind it get their turn. */
const HANDLER_LIMIT_MS = MINUTE_MS;
/** How long `stop` waits for a handler under way. */
const STOP_LIMIT_MS = 2_000;

/** The ACS session: connected, or about to be, from `start` to `stop` (acs.md §2–§7). */
export class AcsSession {
  readonly #options: AcsSessionOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #socket: ReconnectingSocket;
  readonly #queue: InboundQueue;
  readonly #context: AcsContext;
  readonly #warned = new Set<string>();
  /** True until the first upgrade of this process succeeded (ACS-08). */
  #sendCredentials = true;

  constructor(options: AcsSessionOptions) {
    const { clock = systemClock, random = Math.random, open = webSocketOpener({ clock }) } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = options.logger.child({ channel: 'acs' });
    this.#queue = new InboundQueue(
      () => this.#socket.pause(),
      () => this.#socket.resume(),
    );
    this.#context = {
      intake: options.intake,
      credentials: options.credentials,
      manifests: new ManifestState(options.manifestNumber),
      ...(options.attachments !== undefined && { attachments: options.attachments }),
      log: this.#log,
      now: () => clock.now(),
      onHeartbeat: () => options.onHeartbeat(),
      warnOnce: (topic, fields, message) => this.#warnOnce(topic, fields, message),
    };
    this.#socket = new ReconnectingSocket({
      clock,
      random,
      open: (request) => open(request).catch(rethrowRefusal),
      backoff: { minMs: 250, maxMs: 2 * MINUTE_MS, factor: 1.5, jitter: 0.2 },
      backoffResetAfter: { minMs: MINUTE_MS, spreadMs: MINUTE_MS },
      inactivity: { minMs: MINUTE_MS, spreadMs: MINUTE_MS, action: 'cut' },
      maxAge: { minMs: 30 * MINUTE_MS, spreadMs: 5 * MINUTE_MS },
      prepare: (signal) => this.#prepare(signal),
      onConnected: () => this.#onConnected(),
      onText: (text, reply) => this.#onText(text, reply),
      delayAfter: (error) => (isInactive(error) ? INACTIVE_RETRY_MS : undefined),
      onEnded: (end, nextInMs) => this.#onEnded(end, nextInMs),
    });
  }

  /** Connected or not, since when, last message, last error. */
  get state(): SocketState {
    return this.#socket.state;
  }

  start(): void {
    this.#socket.start();
  }

  /** Closes the connection without a close frame (OBS-49) and waits for the message that is being handled. */
  async stop(): Promise<void> {
    const limit = new AbortController();
    const settled = Promise.all([this.#socket.stop(), this.#queue.stop()]);
    const limited = sleepOn(this.#clock, STOP_LIMIT_MS, limit.signal).catch(() => {});
    await Promise.race([settled, limited]);
    limit.abort();
  }

  async #prepare(signal: AbortSignal): Promise<{ url: URL; headers: Record<string, string> }> {
    const { identity, discover, signUpgrade } = this.#options;
    const { acs } = await discover(signal);
    const url = sessionUrl(acs, {
      agentHash: identity.agentHash,
      agentVersion: identity.agentVersion,
      clusterArn: identity.cluster,
      containerInstanceArn: identity.containerInstanceArn,
      dockerVersion: identity.dockerVersion,
      protocolVersion: '2',
      sendCredentials: String(this.#sendCredentials),
      seqNum: '1',
    });
    const headers = await signUpgrade(url, signal);
    return { url, headers: { ...headers, 'User-Agent': identity.userAgent } };
  }

  #onConnected(): void {
    this.#sendCredentials = false;
    this.#log.info('connected to ACS');
    this.#options.onConnected?.();
  }

  #onEnded(end: SocketEnd, nextInMs: number): void {
    const fields = { nextInMs: Math.round(nextInMs) };
    if (end.kind === 'clean') {
      this.#log.info({ ...fields, detail: end.detail }, 'ACS connection ended; connecting again');
      return;
    }
    this.#log.warn({ ...fields, err: end.error }, 'ACS connection failed; connecting again');
    this.#options.onFailed?.(end.error);
    if (!isInactive(end.error)) return;
    this.#log.error('ECS says that this container instance is inactive; its tasks run on');
    this.#options.onInactive();
  }

  #onText(text: string, send: (text: string) => Promise<void>): void {
    const frame = parseFrame(text);
    switch (frame.kind) {
      case 'message':
        this.#socket.touch();
        this.#dispatch(frame.message, this.#replyOn(send));
        return;
      case 'unknown':
        this.#log.warn({ type: frame.type }, 'message of unknown type; dropped');
        return;
      case 'error':
        this.#log.warn({ error: frame.name, detail: frame.text }, 'error from ACS');
        return;
      case 'malformed':
        this.#log.warn({ detail: frame.detail }, 'malformed message; dropped');
    }
  }

  #dispatch<T extends AcsMessageType>(
    frame: { [K in T]: { readonly type: K; readonly message: AcsMessageBody<K> } }[T],
    reply: Reply,
  ): void {
    const { type, message } = frame;
    const entry: MessageEntry<T> = ACS_MESSAGES[type];
    const { handle } = entry;
    if (handle === undefined) this.#log.info({ type, message }, 'note from ACS');
    else this.#queue.push(() => this.#handle(type, async () => handle(message, this.#context, reply)));
  }

  async #handle(type: AcsMessageType, work: () => Promise<void>): Promise<void> {
    const limit = new AbortController();
    const expired = sleepOn(this.#clock, HANDLER_LIMIT_MS, limit.signal).then(
      () => {
        throw new Error(`not handled within ${HANDLER_LIMIT_MS} ms`);
      },
      () => {},
    );
    try {
      await Promise.race([work(), expired]);
    } catch (error) {
      this.#log.error({ type, err: error }, 'message could not be handled; not answered');
    } finally {
      limit.abort();
    }
  }

  #replyOn(send: (text: string) => Promise<void>): Reply {
    return (message: AcsAgentMessage) => {
      send(encodeAgentMessage(message)).catch((error: unknown) =>
        this.#log.warn({ type: message.type, err: error }, 'answer could not be sent; ACS will ask again'),
      );
    };
  }

  #warnOnce(topic: string, fields: object, message: string): void {
    this.#log[this.#warned.has(topic) ? 'debug' : 'warn'](fields, message);
    this.#warned.add(topic);
  }
}

/** Gives a refused upgrade the name that the server gave it (acs.md §3.1). */
function rethrowRefusal(error: unknown): never {
  const described = error instanceof UpgradeRefusedError ? describeRefusal(error.body) : undefined;
  if (described === undefined) throw error;
  throw new Error(described, { cause: error });
}

/** By the text, as the name may stand in a body of any form or in a close frame's reason (acs.md §3.1). */
function isInactive(error: Error): boolean {
  return error.message.includes('InactiveInstanceException');
}
