import { type ContainerId, containerId } from '../task/ids.ts';

/** The drivers that are announced as capabilities (logging.md §8). */
export const LOG_DRIVERS = [
  'json-file',
  'syslog',
  'journald',
  'gelf',
  'fluentd',
  'awslogs',
  'splunk',
  'none',
] as const;
/** All that work: ECS has no capability of the name `local` (logging.md §16). */
export const WORKING_LOG_DRIVERS = [...LOG_DRIVERS, 'local'] as const;
export type LogDriverName = (typeof WORKING_LOG_DRIVERS)[number];

/** How a container waits for its log: `blocking` in write(2), `non-blocking` never (logging.md §11). */
export type LogMode = 'blocking' | 'non-blocking';

/** How the host reaches servers elsewhere; what the agent was told about certificates and proxies. */
export interface ConnectionSettings {
  readonly certificateFile?: string;
  readonly certificateDirectory?: string;
  readonly acceptInsecureCertificates?: boolean;
  readonly proxyEnvironment?: Readonly<Record<string, string>>;
}

/**
 * Everything that the log service needs to know of one container; its `config.json` (logging.md §24.1). Only
 * the labels and variables that the options select are in it, as `attributes`.
 */
export interface LogConfig {
  readonly version: 1;
  readonly driver: string;
  /** As the driver knows them: `mode` and `max-buffer-size` are taken off, and values that are secret left out. */
  readonly options: Readonly<Record<string, string>>;
  /** Options whose values are secret, which are kept elsewhere (docs/adr/0009-log-secrets.md); absent: none. */
  readonly secretOptions?: readonly string[];
  readonly mode: LogMode;
  /** Largest amount read but not yet delivered, in bytes; above it a writer waits or lines are dropped. */
  readonly bufferBytes: number;
  readonly container: {
    readonly id: ContainerId;
    readonly name: string;
    readonly imageName: string;
    readonly imageId: string;
    readonly command: readonly string[];
    /** Epoch ms. */
    readonly createdAt: number;
  };
  readonly taskArn: string;
  readonly hostname: string;
  /** The rendered `tag` option; absent: not given or empty. */
  readonly tag?: string;
  /** Selected labels and variables. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The host's AWS region. */
  readonly region?: string;
  /** The agent's name and version. */
  readonly userAgent?: string;
  readonly connection?: ConnectionSettings;
}

/**
 * Reads a configuration. Written by hand: a schema library would add a quarter to the log service's memory.
 * Throws when something is missing or of the wrong kind.
 */
export function parseLogConfig(value: unknown): LogConfig {
  const root = record(value, 'log configuration');
  if (root.version !== 1)
    throw new Error(`log configuration has the unknown version ${String(root.version)}`);
  const container = record(root.container, 'container');
  const mode = text(root.mode, 'mode');
  if (mode !== 'blocking' && mode !== 'non-blocking') throw new Error(`mode "${mode}" is unknown`);
  if (!Array.isArray(container.command)) throw new Error('container.command is no list');
  return {
    version: 1,
    driver: text(root.driver, 'driver'),
    options: textMap(root.options, 'options'),
    ...(root.secretOptions !== undefined && { secretOptions: parseNames(root.secretOptions) }),
    mode,
    bufferBytes: number(root.bufferBytes, 'bufferBytes'),
    container: {
      id: containerId(text(container.id, 'container.id')),
      name: text(container.name, 'container.name'),
      imageName: text(container.imageName, 'container.imageName'),
      imageId: text(container.imageId, 'container.imageId'),
      command: container.command.map((item) => text(item, 'container.command')),
      createdAt: number(container.createdAt, 'container.createdAt'),
    },
    taskArn: text(root.taskArn, 'taskArn'),
    hostname: text(root.hostname, 'hostname'),
    ...(root.tag === undefined ? {} : { tag: text(root.tag, 'tag') }),
    attributes: textMap(root.attributes, 'attributes'),
    ...(root.region === undefined ? {} : { region: text(root.region, 'region') }),
    ...(root.userAgent === undefined ? {} : { userAgent: text(root.userAgent, 'userAgent') }),
    ...(root.connection === undefined ? {} : { connection: parseConnection(root.connection) }),
  };
}

function parseNames(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new Error('secretOptions is no list');
  return value.map((name) => text(name, 'secretOptions'));
}

function parseConnection(value: unknown): ConnectionSettings {
  const settings = record(value, 'connection');
  const path = (name: 'certificateFile' | 'certificateDirectory') =>
    settings[name] === undefined ? {} : { [name]: text(settings[name], name) };
  return {
    ...path('certificateFile'),
    ...path('certificateDirectory'),
    acceptInsecureCertificates: settings.acceptInsecureCertificates === true,
    ...(settings.proxyEnvironment !== undefined && {
      proxyEnvironment: textMap(settings.proxyEnvironment, 'proxyEnvironment'),
    }),
  };
}

/** An object of JSON; throws, naming `what`, when it is something else. */
export function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${what} is no object`);
  return value as Record<string, unknown>;
}

/** A string of JSON. */
export function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what} is no string`);
  return value;
}

/** A finite number of JSON. */
export function number(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error(`${what} is no number`);
  return value;
}

/** An object of JSON whose members are strings. */
export function textMap(value: unknown, what: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record(value, what)).map(([key, item]) => [key, text(item, `${what}.${key}`)]),
  );
}
