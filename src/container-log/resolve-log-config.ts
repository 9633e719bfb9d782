import { hostname } from 'node:os';
import { TaskError } from '../task/errors.ts';
import type { LogRequest } from './container-logs.ts';
import { withoutValues } from './hidden-values.ts';
import { selectAttributes } from './log-attributes.ts';
import { type LogConfig, type LogDriverName, type LogMode, WORKING_LOG_DRIVERS } from './log-config.ts';
import { OPTION_RULES } from './option-rules.ts';
import { renderTag, type TagFields } from './tag-template.ts';
import { parseRamSize } from './value-parsers.ts';

/** What a blocking container may have waiting for its driver (logging.md §24.6). */
const SPOOL_BYTES = 64 * 1024 * 1024;
const DEFAULT_BUFFER = '10m';
/** What comes of them is in the configuration, and in the lines that are delivered. */
const SHOWN_OPTIONS = ['mode', 'max-buffer-size', 'tag'];

/** What the log service takes from the host where a container's options do not say. */
export interface LogConfigDefaults {
  readonly region?: string;
  readonly userAgent?: string;
  readonly connection?: LogConfig['connection'];
}

/**
 * Turns a container's log options into the log service's configuration: what Docker validates when a container is
 * made throws CannotCreateContainerError, what it finds when the driver is set up CannotStartContainerError, with
 * Docker's texts (logging.md §9). Undefined: the driver is `none`, nothing is kept.
 */
export async function resolveLogConfig(
  request: LogRequest,
  logPath: string,
  defaults: LogConfigDefaults = {},
): Promise<LogConfig | undefined> {
  const driver = driverOf(request.driver);
  if (driver === 'none') return undefined;
  const { secretOptions: secrets = {} } = request;
  const { mode, 'max-buffer-size': bufferSize, ...options } = { ...request.options, ...secrets };
  for (const option of SHOWN_OPTIONS)
    if (Object.hasOwn(secrets, option)) throw refused(`log opt '${option}' cannot be a secret`);
  const logMode = parseMode(mode);
  const bufferBytes = parseBufferBytes(logMode, bufferSize);
  const rules = OPTION_RULES[driver];
  for (const option of Object.keys(options))
    if (!rules.names.has(option))
      throw refused(rules.unknown?.(option) ?? `unknown log opt '${option}' for ${driver} log driver`);
  await rules.check?.(options).catch((error: unknown) => {
    throw refused(withoutValues(messageOf(error), Object.values(secrets)));
  });
  const ownQueueBytes = await rules.ownQueueBytes?.(options);
  const isSecret = (option: string) => Object.hasOwn(secrets, option);
  const plain = Object.fromEntries(Object.entries(options).filter(([option]) => !isSecret(option)));
  const described = describe({ ...request, options: plain }, driver, plain, logPath);
  const secretOptions = Object.keys(options).filter(isSecret);
  return {
    version: 1,
    driver,
    options: plain,
    ...(secretOptions.length > 0 && { secretOptions }),
    ...(ownQueueBytes === undefined || logMode === 'non-blocking'
      ? { mode: logMode, bufferBytes }
      : { mode: 'non-blocking', bufferBytes: ownQueueBytes }),
    container: {
      id: request.id,
      name: request.name,
      imageName: request.imageName,
      imageId: request.imageId,
      command: request.command,
      createdAt: request.createdAt,
    },
    taskArn: request.taskArn,
    hostname: hostname(),
    ...described,
    ...(defaults.region !== undefined && { region: defaults.region }),
    ...(defaults.userAgent !== undefined && { userAgent: defaults.userAgent }),
    ...(defaults.connection !== undefined && { connection: defaults.connection }),
  };
}

/** The error of a driver that could not be set up. */
export function driverSetUpError(message: string, cause?: unknown): TaskError {
  return new TaskError('CannotStartContainerError', `failed to initialize logging driver: ${message}`, {
    cause,
  });
}

function driverOf(name: string): LogDriverName {
  if (name === '') return 'json-file';
  const known = WORKING_LOG_DRIVERS.find((driver) => driver === name);
  if (known === undefined)
    throw refused(
      `logger: no log driver named '${name}' is registered; this agent has ${WORKING_LOG_DRIVERS.join(', ')}`,
    );
  return known;
}

function parseMode(mode: string | undefined): LogMode {
  if (mode === undefined || mode === '' || mode === 'blocking') return 'blocking';
  if (mode === 'non-blocking') return mode;
  throw refused(`logger: logging mode not supported: ${mode}`);
}

function parseBufferBytes(mode: LogMode, size: string | undefined): number {
  if (mode === 'blocking') {
    if (size !== undefined)
      throw refused("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
    return SPOOL_BYTES;
  }
  try {
    return parseRamSize(size ?? DEFAULT_BUFFER);
  } catch (error) {
    throw refused(`error parsing option max-buffer-size: ${messageOf(error)}`);
  }
}

function describe(
  request: LogRequest,
  driver: Exclude<LogDriverName, 'none'>,
  options: Readonly<Record<string, string>>,
  logPath: string,
): Pick<LogConfig, 'attributes' | 'tag'> {
  try {
    const attributes = selectAttributes(options, request);
    const tag = renderTag(options.tag ?? OPTION_RULES[driver].defaultTag ?? '', tagFields(request, logPath));
    return { attributes, ...(tag !== '' && { tag }) };
  } catch (error) {
    throw driverSetUpError(messageOf(error), error);
  }
}

function tagFields(request: LogRequest, logPath: string): TagFields {
  const imageId = request.imageId.replace(/^sha256:/, '');
  return {
    ID: request.id.slice(0, 12),
    FullID: request.id,
    Name: request.name.replace(/^\//, ''),
    Command: request.command.join(' '),
    ImageID: imageId.slice(0, 12),
    ImageFullID: request.imageId,
    ImageName: request.imageName,
    Hostname: hostname(),
    DaemonName: 'docker',
    Config: request.options,
    ContainerEnv: Object.entries(request.environment).map(([name, value]) => `${name}=${value}`),
    ContainerLabels: request.labels,
    ContainerCreated: new Date(request.createdAt).toISOString(),
    LogPath: logPath,
  };
}

function refused(message: string): TaskError {
  return new TaskError('CannotCreateContainerError', message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
