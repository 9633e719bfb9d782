import { parseGoBool } from '../../value-parsers.ts';
import { compileLinePattern, datetimePattern } from './line-pattern.ts';

/** What `awslogs` was asked for (logging.md §21.1). */
export interface AwslogsOptions {
  readonly group: string;
  /** Absent: the rendered tag, or the container's id. */
  readonly stream?: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly createGroup: boolean;
  readonly createStream: boolean;
  /** A line that it matches begins an event. */
  readonly eventStart?: RegExp;
  readonly flushIntervalMs: number;
  /** Sent as x-amzn-logs-format. */
  readonly format?: string;
  /** Id of the execution role's credentials; absent: the instance's. */
  readonly credentialsId?: string;
}

const DATETIME = 'awslogs-datetime-format';
const MULTILINE = 'awslogs-multiline-pattern';
const FORMAT = 'awslogs-format';
const EMF = 'json/emf';
const CREDENTIALS_PATH = /^\/v2\/credentials\/([\w-]+)$/;

/** Reads the driver's own options; throws with Docker's texts (LOG-55, LOG-138 to LOG-140). */
export function parseAwslogsOptions(options: Readonly<Record<string, string>>): AwslogsOptions {
  const group = options['awslogs-group'] ?? '';
  if (group === '') throw new Error("must specify a value for log opt 'awslogs-group'");
  const createGroup = bool(options, 'awslogs-create-group', false);
  const createStream = bool(options, 'awslogs-create-stream', true);
  const flushSec = positive(options, 'awslogs-force-flush-interval-seconds', 5);
  // Its queue is the spool, which is bounded by bytes; the value is checked as Docker does.
  positive(options, 'awslogs-max-buffered-events', 4096);
  const eventStart = eventStartOf(options);
  const format = options[FORMAT] ?? '';
  return {
    group,
    createGroup,
    createStream,
    flushIntervalMs: flushSec * 1000,
    ...(eventStart !== undefined && { eventStart }),
    ...given('stream', options['awslogs-stream']),
    ...given('region', options['awslogs-region']),
    ...given('endpoint', endpointOf(options['awslogs-endpoint'])),
    ...given('format', format),
    ...given('credentialsId', credentialsIdOf(options['awslogs-credentials-endpoint'])),
  };
}

function eventStartOf(options: Readonly<Record<string, string>>): RegExp | undefined {
  const datetime = options[DATETIME];
  const multiline = options[MULTILINE];
  if (datetime !== undefined && multiline !== undefined)
    throw new Error(`you cannot configure log opt '${DATETIME}' and '${MULTILINE}' at the same time`);
  const format = options[FORMAT] ?? '';
  if (format !== '' && format !== EMF) throw new Error(`unsupported log format '${format}'`);
  if (format !== '' && (datetime !== undefined || multiline !== undefined))
    throw new Error(
      `you cannot configure log opt '${DATETIME}' or '${MULTILINE}' when log opt '${FORMAT}' is set to '${EMF}'`,
    );
  const pattern = datetime === undefined ? multiline : datetimePattern(datetime);
  if (pattern === undefined || pattern === '') return undefined;
  try {
    return compileLinePattern(pattern);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`awslogs could not parse multiline pattern key ${JSON.stringify(pattern)}: ${why}`, {
      cause: error,
    });
  }
}

function endpointOf(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  const text = /^https?:\/\//.test(value) ? value : `https://${value}`;
  if (!URL.canParse(text)) throw new Error(`log opt 'awslogs-endpoint' is not a URL: ${value}`);
  return text;
}

function credentialsIdOf(path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  const id = CREDENTIALS_PATH.exec(path)?.[1];
  if (id === undefined)
    throw new Error(`log opt 'awslogs-credentials-endpoint' must be /v2/credentials/<id>, not ${path}`);
  return id;
}

function bool(options: Readonly<Record<string, string>>, name: string, fallback: boolean): boolean {
  const value = options[name];
  if (value === undefined || value === '') return fallback;
  try {
    return parseGoBool(value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`must specify valid value for log opt '${name}': ${why}`, { cause: error });
  }
}

function positive(options: Readonly<Record<string, string>>, name: string, fallback: number): number {
  const value = options[name];
  if (value === undefined || value === '') return fallback;
  const parsed = /^\+?\d+$/.test(value) ? Number(value) : 0;
  if (!(parsed > 0 && Number.isSafeInteger(parsed)))
    throw new Error(`must specify a positive integer for log opt '${name}': ${value}`);
  return parsed;
}

function given<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return value === undefined || value === '' ? {} : ({ [key]: value } as { readonly [P in K]: string });
}
