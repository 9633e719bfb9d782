import {
  type DestinationStream,
  type Logger,
  multistream,
  pino,
  type StreamEntry,
  stdTimeFunctions,
} from 'pino';
import type { Config } from '../config/config.ts';
import type { LogLevel } from '../config/instance-variables.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { toLogfmt } from './logfmt.ts';
import { plainError, plainFields, REDACTED, SECRET_NAMES } from './plain-fields.ts';

export type { Logger } from 'pino';

/** The agent's log: lines to stdout and, with ECS_LOGFILE, to a file. */
export interface AgentLog {
  readonly logger: Logger;
  /** Writes out what waits. */
  close(): Promise<void>;
}

type LogConfig = Pick<
  Config,
  | 'logLevel'
  | 'logLevelOnInstance'
  | 'logFormat'
  | 'logFile'
  | 'logRollover'
  | 'logMaxFileSizeMb'
  | 'logMaxRollCount'
>;

type PinoLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** `none` has no level of pino's. */
const PINO_LEVELS: Readonly<Record<Exclude<LogLevel, 'none'>, PinoLevel>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  crit: 'fatal',
};
const BY_SEVERITY: readonly PinoLevel[] = ['debug', 'info', 'warn', 'error', 'fatal'];
/** Output that waits for a reader; more is dropped rather than hold up the agent. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** What a child logger is given goes through no formatter. */
const SECRETS_OF_CHILDREN = Object.fromEntries([...SECRET_NAMES].map((name) => [name, () => REDACTED]));

/** A place for lines. `end` resolves when everything is written. */
export interface LogOutput {
  write(line: string): unknown;
  end(): Promise<void>;
}

/**
 * Makes the root logger (config.md §3.2): level names and logfmt as the Amazon ECS agent has them, JSON with
 * ECS_LOG_OUTPUT_FORMAT=json. stdout and file have levels of their own.
 */
export async function createAgentLog(
  config: LogConfig,
  output: LogOutput = standardOutput(),
): Promise<AgentLog> {
  const file = await openFile(config, output);
  const streams = [
    ...entries(config.logLevel, config, output),
    ...(file === undefined ? [] : entries(config.logLevelOnInstance, config, file)),
  ];
  const logger = pino(
    {
      level: BY_SEVERITY.find((level) => streams.some((stream) => stream.level === level)) ?? 'silent',
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label === 'fatal' ? 'crit' : label }),
        log: plainFields,
      },
      serializers: { err: plainError, ...SECRETS_OF_CHILDREN },
    },
    multistream(streams),
  );
  return {
    logger,
    async close() {
      await Promise.all([output.end(), file?.end()]);
    },
  };
}

/** File descriptor 1, written without blocking: a reader that stands still must not stop the agent. */
function standardOutput(): LogOutput {
  const stream = pino.destination({ dest: 1, sync: false, maxLength: MAX_WAITING_BYTES });
  return {
    write: (line) => stream.write(line),
    async end() {
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.once('finish', resolve);
      stream.once('error', () => resolve());
      stream.end();
      await promise;
    },
  };
}

async function openFile(config: LogConfig, output: LogOutput): Promise<LogFile | undefined> {
  if (config.logFile === '' || config.logLevelOnInstance === 'none') return undefined;
  let told = false;
  const tell = (error: Error): undefined => {
    if (told) return;
    told = true;
    const record = {
      level: 'error',
      time: new Date().toISOString(),
      msg: 'cannot write the log file; check ECS_LOGFILE',
      file: config.logFile,
      error: error.message,
    };
    output.write(format(config, `${JSON.stringify(record)}\n`));
  };
  try {
    return await openLogFile(config, tell);
  } catch (error) {
    return tell(error instanceof Error ? error : new Error(String(error)));
  }
}

function entries(level: LogLevel, config: LogConfig, target: LogOutput): StreamEntry<PinoLevel>[] {
  if (level === 'none') return [];
  const stream: DestinationStream = { write: (line) => void target.write(format(config, line)) };
  return [{ level: PINO_LEVELS[level], stream }];
}

function format(config: LogConfig, line: string): string {
  return config.logFormat === 'json' ? line : toLogfmt(line);
}
