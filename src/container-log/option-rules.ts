import type { LogDriverName } from './log-config.ts';

type Options = Readonly<Record<string, string>>;

/** What the options of a driver may be, besides `mode` and `max-buffer-size`. */
export interface OptionRules {
  readonly names: ReadonlySet<string>;
  /** How Docker says that there is no such option; default: as most of its drivers do. */
  unknown?(option: string): string;
  /** Rendered when the option `tag` is absent; absent: there is no tag then. */
  readonly defaultTag?: string;
  /** What Docker finds wrong when it makes the container; rejects with its texts. */
  check?(options: Options): Promise<void>;
  /** The driver has a queue of its own that never lets the container wait: its bytes. */
  ownQueueBytes?(options: Options): Promise<number | undefined>;
}

const SHORT_ID = '{{.ID}}';
/** Bytes by which a bound on messages is kept, one message reckoned with the other. */
const QUEUED_MESSAGE_BYTES = 256;
const MIN_QUEUE_BYTES = 64 * 1024;
const MAX_QUEUE_BYTES = 64 * 1024 * 1024;

/** The checks are those of the drivers, loaded when they are first needed. */
export const OPTION_RULES: Readonly<Record<Exclude<LogDriverName, 'none'>, OptionRules>> = {
  'json-file': { names: names('', 'max-size max-file compress', 'attributes') },
  local: {
    names: new Set(['max-size', 'max-file', 'compress']),
    unknown: (option) => `unknown log opt '${option}' for log driver local`,
  },
  awslogs: {
    names: names(
      'awslogs-',
      'group region stream create-group create-stream datetime-format multiline-pattern credentials-endpoint endpoint force-flush-interval-seconds max-buffered-events format',
      'tag',
    ),
    check: async (options) => {
      (await import('./service/awslogs/awslogs-options.ts')).parseAwslogsOptions(options);
    },
  },
  fluentd: {
    names: names(
      'fluentd-',
      'address async async-connect async-reconnect-interval buffer-limit max-retries retry-wait sub-second-precision request-ack write-timeout read-timeout',
      'attributes',
    ),
    defaultTag: SHORT_ID,
    check: async (options) => {
      (await import('./service/fluentd/fluentd-options.ts')).parseFluentdOptions(options);
    },
    ownQueueBytes: async (options) => {
      const { parseFluentdOptions } = await import('./service/fluentd/fluentd-options.ts');
      const { async, bufferLimit } = parseFluentdOptions(options);
      const bytes = bufferLimit * QUEUED_MESSAGE_BYTES;
      return async ? Math.min(Math.max(bytes, MIN_QUEUE_BYTES), MAX_QUEUE_BYTES) : undefined;
    },
  },
  gelf: {
    names: names(
      'gelf-',
      'address compression-type compression-level tcp-max-reconnect tcp-reconnect-delay',
      'attributes',
    ),
    defaultTag: SHORT_ID,
    check: async (options) => {
      (await import('./service/gelf/gelf-options.ts')).parseGelfOptions(options);
    },
  },
  journald: { names: names('', '', 'attributes'), defaultTag: SHORT_ID },
  splunk: {
    names: names(
      'splunk-',
      'token url source sourcetype index capath caname insecureskipverify format verify-connection gzip gzip-level index-acknowledgment',
      'attributes',
    ),
    defaultTag: SHORT_ID,
  },
  syslog: {
    names: names(
      'syslog-',
      'address facility format tls-ca-cert tls-cert tls-key tls-skip-verify',
      'attributes',
    ),
    defaultTag: SHORT_ID,
    check: async (options) => {
      (await import('./service/syslog/syslog-options.ts')).parseSyslogOptions(options);
    },
  },
};

function names(prefix: string, own: string, common: 'tag' | 'attributes'): ReadonlySet<string> {
  const shared = common === 'tag' ? ['tag'] : ['tag', 'labels', 'labels-regex', 'env', 'env-regex'];
  return new Set([
    ...own
      .split(' ')
      .filter((name) => name !== '')
      .map((name) => prefix + name),
    ...shared,
  ]);
}
