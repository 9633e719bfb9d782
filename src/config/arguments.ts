import type { ConfigFlags } from './config.ts';
import { LOG_LEVELS, type LogLevel } from './instance-variables.ts';
import { parseBooleanText } from './variable-kinds.ts';

/** The command line cannot be understood; the process exits with status 5 (config.md §3.10). */
export class ArgumentsError extends Error {
  override readonly name = 'ArgumentsError';
  readonly exitCode = 5;
}

/** What the command line asks for. */
export interface AgentArguments {
  readonly command: 'run' | 'version' | 'attributes' | 'license' | 'healthcheck' | 'help';
  /** Behave as if there were no instance metadata service. */
  readonly blackholeMetadata: boolean;
  readonly flags: ConfigFlags;
}

interface Flag {
  readonly takesValue: boolean;
  readonly help: string;
}

const FLAGS: Readonly<Record<string, Flag>> = {
  version: { takesValue: false, help: 'print the version and exit' },
  loglevel: { takesValue: true, help: `level of stdout and log file: ${LOG_LEVELS.join(', ')}` },
  'loglevel-driver': { takesValue: true, help: 'level of stdout' },
  'loglevel-on-instance': { takesValue: true, help: 'level of the log file' },
  'ecs-attributes': { takesValue: false, help: 'print what would be registered and exit' },
  k: { takesValue: false, help: 'do not check server certificates (for tests)' },
  license: { takesValue: false, help: 'print the licence and exit' },
  'blackhole-ec2-metadata': { takesValue: false, help: 'never ask the instance metadata service' },
  'windows-service': { takesValue: false, help: 'has no effect on Linux' },
  healthcheck: { takesValue: false, help: 'ask a running agent whether it is well, and exit' },
  help: { takesValue: false, help: 'print this and exit' },
};

/** First match wins when several are given. */
const COMMANDS = {
  help: 'help',
  license: 'license',
  version: 'version',
  healthcheck: 'healthcheck',
  'ecs-attributes': 'attributes',
} as const satisfies Record<string, AgentArguments['command']>;

/**
 * Reads `-flag`, `--flag`, `-flag=value` and `-flag value`; booleans take a value only after `=`. Everything else
 * throws `ArgumentsError`.
 */
export function parseArguments(argv: readonly string[]): AgentArguments {
  const given = new Map<string, string>();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name = '', value] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const known = name === 'h' ? 'help' : name;
    const flag = Object.hasOwn(FLAGS, known) ? FLAGS[known] : undefined;
    if (flag === undefined) throw new ArgumentsError(`unknown argument ${word}; see -help`);
    const text = value ?? (flag.takesValue ? rest.shift() : 'true');
    if (text === undefined) throw new ArgumentsError(`-${name} needs a value`);
    if (!flag.takesValue && parseBooleanText(text) === undefined)
      throw new ArgumentsError(`-${name} takes true or false, not "${text}"`);
    given.set(known, text);
  }

  const isOn = (name: string) => parseBooleanText(given.get(name) ?? 'false') ?? false;
  const both = levelOf(given, 'loglevel');
  const logLevel = both ?? levelOf(given, 'loglevel-driver');
  const logLevelOnInstance = both ?? levelOf(given, 'loglevel-on-instance');
  return {
    command: Object.entries(COMMANDS).find(([name]) => isOn(name))?.[1] ?? 'run',
    blackholeMetadata: isOn('blackhole-ec2-metadata'),
    flags: {
      acceptInsecureCertificates: isOn('k'),
      ...(logLevel !== undefined && { logLevel }),
      ...(logLevelOnInstance !== undefined && { logLevelOnInstance }),
    },
  };
}

/** The text of `-help`. */
export function usage(program: string): string {
  const lines = Object.entries(FLAGS).map(
    ([name, { takesValue, help }]) => `  -${`${name}${takesValue ? ' VALUE' : ''}`.padEnd(30)}${help}`,
  );
  return [`Usage: ${program} [flags]`, ...lines, ''].join('\n');
}

function levelOf(given: ReadonlyMap<string, string>, name: string): LogLevel | undefined {
  const text = given.get(name)?.trim().toLowerCase();
  if (text === undefined || text === '') return undefined;
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level === undefined) throw new ArgumentsError(`-${name} must be one of ${LOG_LEVELS.join(', ')}`);
  return level;
}
