import { Backoff } from '../../../async/backoff.ts';
import { parseGoBool, parseGoDuration, parseRamSize } from '../../value-parsers.ts';
import type { StreamAddress } from '../stream-connection.ts';

/** What `fluentd` was asked for (logging.md §20.1). */
export interface FluentdOptions {
  readonly address: StreamAddress;
  readonly async: boolean;
  /** A connection older than this is made anew, ms; 0: never. */
  readonly reconnectIntervalMs: number;
  /** Messages that may wait in async mode, an option of that name though it is called a size. */
  readonly bufferLimit: number;
  readonly maxRetries: number;
  readonly retryWaitMs: number;
  readonly subSecond: boolean;
  readonly requestAck: boolean;
  /** 0: no limit of its own. */
  readonly writeTimeoutMs: number;
  readonly readTimeoutMs: number;
}

const DEFAULT_PORT = 24_224;
const MAX_WAIT_MS = 60_000;
const MAX_RETRIES = 2 ** 31 - 1;

/** Reads the driver's own options; throws with Docker's texts. */
export function parseFluentdOptions(options: Readonly<Record<string, string>>): FluentdOptions {
  const bool = (name: string) => {
    const value = options[`fluentd-${name}`];
    return value === undefined || value === '' ? false : parseGoBool(value);
  };
  const durationMs = (name: string, fallback: number) => {
    const value = options[`fluentd-${name}`];
    if (value === undefined || value === '') return fallback;
    try {
      const ms = parseGoDuration(value);
      if (ms >= 0) return ms;
    } catch (error) {
      throw new Error(`invalid value for fluentd-${name}: ${messageOf(error)}`, { cause: error });
    }
    throw new Error(`invalid value for fluentd-${name}: value must be a positive duration: ${value}`);
  };
  const reconnectIntervalMs = durationMs('async-reconnect-interval', 0);
  if (reconnectIntervalMs !== 0 && (reconnectIntervalMs < 100 || reconnectIntervalMs > 10_000))
    throw new Error(
      `invalid value for fluentd-async-reconnect-interval: value must be between 100ms and 10s: ${options['fluentd-async-reconnect-interval']}`,
    );
  const limit = options['fluentd-buffer-limit'] ?? '';
  return {
    address: parseFluentdAddress(options['fluentd-address'] ?? ''),
    async: options['fluentd-async'] === undefined ? bool('async-connect') : bool('async'),
    reconnectIntervalMs,
    bufferLimit: limit === '' ? 1024 * 1024 : parseRamSize(limit),
    maxRetries: parseRetries(options['fluentd-max-retries']),
    retryWaitMs: durationMs('retry-wait', 1_000),
    subSecond: bool('sub-second-precision'),
    requestAck: bool('request-ack'),
    writeTimeoutMs: durationMs('write-timeout', 0),
    readTimeoutMs: durationMs('read-timeout', 0),
  };
}

/** Waits between tries: the first of the options, each half as long again, a minute at most. */
export function retryWaits({ retryWaitMs }: Pick<FluentdOptions, 'retryWaitMs'>): Backoff {
  const minMs = Math.min(retryWaitMs, MAX_WAIT_MS);
  return new Backoff({ minMs, maxMs: MAX_WAIT_MS, factor: 1.5, jitter: 0 });
}

function parseRetries(value: string | undefined): number {
  if (value === undefined || value === '') return MAX_RETRIES;
  if (!/^\d+$/.test(value))
    throw new Error(
      `invalid value for fluentd-max-retries: parsing ${JSON.stringify(value)}: invalid syntax`,
    );
  if (Number(value) > MAX_RETRIES) throw new Error('invalid fluentd-max-retries: value out of range');
  return Number(value);
}

function parseFluentdAddress(value: string): StreamAddress {
  if (value === '') return { kind: 'tcp', host: '127.0.0.1', port: DEFAULT_PORT };
  const text = value.includes('://') ? value : `tcp://${value}`;
  const [scheme = '', rest = ''] = text.split(/:\/\/(.*)/s);
  if (scheme === 'unix') {
    if (rest.replace(/^\/+/, '') === '') throw new Error('path is empty');
    return { kind: 'unix', path: rest };
  }
  if (scheme !== 'tcp' && scheme !== 'tls') throw new Error(`unsupported scheme: '${scheme}'`);
  const url = URL.canParse(`fluentd://${rest}`) ? new URL(`fluentd://${rest}`) : undefined;
  if (url === undefined) throw new Error(`invalid fluentd-address '${value}'`);
  if (url.pathname !== '') throw new Error('should not contain a path element');
  const host = url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1';
  return { kind: scheme, host, port: url.port === '' ? DEFAULT_PORT : Number(url.port) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
