import { type ContainerId, containerId } from '../task/ids.ts';
import type { LogTotals } from './container-logs.ts';
import { type LogConfig, number, parseLogConfig, record, text, textMap } from './log-config.ts';
import type { LogCredentials } from './service/credentials-broker.ts';
import type { DropNotice, LogStatistics } from './service/log-counters.ts';

/**
 * What agent and log service say to each other: one JSON object a line. A request has an id and gets exactly one
 * response with it; every request may be repeated. Events come unasked.
 */
export const PROTOCOL_VERSION = 3;
/** A longer line closes the connection. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

export type LogServiceRequest =
  | { readonly method: 'hello' }
  /** Sets a container up, or finds it set up. */
  | {
      readonly method: 'prepare';
      readonly config: LogConfig;
      readonly secrets: Readonly<Record<string, string>>;
    }
  /** The container has ended. Answered when everything is delivered. */
  | { readonly method: 'finish'; readonly container: ContainerId }
  | { readonly method: 'remove'; readonly container: ContainerId }
  | { readonly method: 'list' }
  | { readonly method: 'statistics' }
  /** What the logs of each driver have counted. */
  | { readonly method: 'totals' }
  /** Answers the event `credentialsNeeded`; the empty id is the instance. */
  | { readonly method: 'credentials'; readonly credentialsId: string; readonly answer: CredentialsAnswer }
  /** Answers the event `secretsNeeded`. */
  | { readonly method: 'secrets'; readonly container: ContainerId; readonly answer: SecretsAnswer }
  /** Ends the service; its successor takes over. */
  | { readonly method: 'quit' };
/** `refusal`: the agent has none, and why. */
export type CredentialsAnswer = LogCredentials | { readonly refusal: string };
/** Values of a container's secret options. `refusal`: the agent has none for now, and why. */
export type SecretsAnswer =
  | { readonly values: Readonly<Record<string, string>> }
  | { readonly refusal: string };
export type LogServiceMethod = LogServiceRequest['method'];

export interface LogServiceResults {
  readonly hello: { readonly protocol: number; readonly pid: number };
  readonly prepare: { readonly stdout: string; readonly stderr: string };
  readonly finish: null;
  readonly remove: null;
  readonly list: readonly ListedLog[];
  readonly credentials: null;
  readonly secrets: null;
  readonly statistics: Readonly<Record<string, LogStatistics>>;
  readonly totals: Readonly<Record<string, LogTotals>>;
  readonly quit: null;
}

export interface ListedLog {
  readonly id: string;
  /** Still collected: these FIFOs must keep a reader. */
  readonly fifos?: { readonly stdout: string; readonly stderr: string };
}

/** `setup`: the driver refused; the message is for the user. */
export interface LogServiceFailure {
  readonly code: 'setup' | 'invalid' | 'internal';
  readonly message: string;
}

/** Lines were dropped since the last such event of this container. */
export interface DroppedEvent extends DropNotice {
  readonly event: 'dropped';
  readonly id: string;
  readonly taskArn: string;
}

/** A container's log cannot be delivered for now; told once until it can. */
export interface TroubleEvent {
  readonly event: 'trouble';
  readonly id: string;
  readonly taskArn: string;
  readonly driver: string;
  readonly why: string;
}

/** A driver has to sign; the agent answers with the request `credentials`. */
export interface CredentialsNeededEvent {
  readonly event: 'credentialsNeeded';
  readonly id: string;
}

/** A container's log goes on once the values of its secret options are here; the request `secrets` brings them. */
export interface SecretsNeededEvent {
  readonly event: 'secretsNeeded';
  readonly id: string;
  readonly taskArn: string;
}

export type LogServiceEvent = DroppedEvent | TroubleEvent | CredentialsNeededEvent | SecretsNeededEvent;

/** Reads one line of an agent; throws when it is no request. */
export function parseRequest(line: string): { readonly id: number; readonly request: LogServiceRequest } {
  const root = record(JSON.parse(line), 'request');
  return { id: number(root.id, 'id'), request: parseMethod(root) };
}

function parseMethod(root: Record<string, unknown>): LogServiceRequest {
  const { method } = root;
  switch (method) {
    case 'hello':
    case 'list':
    case 'statistics':
    case 'totals':
    case 'quit':
      return { method };
    case 'finish':
    case 'remove':
      return { method, container: containerId(text(root.container, 'container')) };
    case 'prepare':
      return { method, config: parseLogConfig(root.config), secrets: textMap(root.secrets, 'secrets') };
    case 'secrets':
      return {
        method,
        container: containerId(text(root.container, 'container')),
        answer: parseSecrets(record(root.answer, 'answer')),
      };
    case 'credentials':
      return {
        method,
        credentialsId: text(root.credentialsId, 'credentialsId'),
        answer: parseCredentials(record(root.answer, 'answer')),
      };
    default:
      throw new Error(`method ${String(method)} is unknown`);
  }
}

function parseSecrets(answer: Record<string, unknown>): SecretsAnswer {
  if (answer.refusal !== undefined) return { refusal: text(answer.refusal, 'refusal') };
  return { values: textMap(answer.values, 'values') };
}

function parseCredentials(answer: Record<string, unknown>): CredentialsAnswer {
  if (answer.refusal !== undefined) return { refusal: text(answer.refusal, 'refusal') };
  return {
    accessKeyId: text(answer.accessKeyId, 'accessKeyId'),
    secretAccessKey: text(answer.secretAccessKey, 'secretAccessKey'),
    ...(answer.sessionToken !== undefined && { sessionToken: text(answer.sessionToken, 'sessionToken') }),
    ...(answer.expiresAt !== undefined && { expiresAt: number(answer.expiresAt, 'expiresAt') }),
  };
}

/** Cuts a byte stream into lines. Throws when one is longer than MAX_LINE_BYTES. */
export class LineSplitter {
  #rest = '';

  /** The lines that this piece completes. */
  push(piece: string): string[] {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_BYTES) throw new Error(`a line is longer than ${MAX_LINE_BYTES} bytes`);
    return lines;
  }
}
