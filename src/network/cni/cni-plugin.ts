import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMAND_PATH, type CommandResult, type RunCommand } from '../../host/run-command.ts';
import { TaskError } from '../../task/errors.ts';
import { type CniErrorDocument, cniErrorSchema, cniVersionsSchema } from './cni-schema.ts';

export type CniCommand = 'ADD' | 'CHECK' | 'DEL' | 'STATUS' | 'VERSION';

/** A plugin said no; `cniCode` as in the CNI specification, absent when its answer was not in its format. */
export class CniError extends TaskError {
  readonly cniCode: number | undefined;

  constructor(message: string, cniCode: number | undefined) {
    super('ContainerNetworkingError', message, { retryable: cniCode === TRY_AGAIN_LATER });
    this.cniCode = cniCode;
  }
}

/** Code of an error that goes away by itself. */
export const TRY_AGAIN_LATER = 11;
/** What the oldest plugins that we take answer when they are asked in a language newer than theirs. */
const INCOMPATIBLE_VERSION = 1;

/** Debian's package of a plugin; what is not known here is in neither. */
const PACKAGE = 'containernetworking-plugins';

/** One plugin program, found in the configured directories. */
export class CniPlugin {
  readonly type: string;
  readonly path: string;
  readonly #searched: readonly string[];
  readonly #run: RunCommand;

  private constructor(type: string, path: string, searched: readonly string[], run: RunCommand) {
    this.type = type;
    this.path = path;
    this.#searched = searched;
    this.#run = run;
  }

  /** Rejects with a `ContainerNetworkingError` that says where the plugin was looked for. */
  static async find(type: string, directories: readonly string[], run: RunCommand): Promise<CniPlugin> {
    // A name with a slash would reach outside the directories.
    for (const directory of type.includes('/') ? [] : directories) {
      const path = join(directory, type);
      if (await isExecutable(path)) return new CniPlugin(type, path, directories, run);
    }
    throw new TaskError(
      'ContainerNetworkingError',
      `CNI plugin "${type}" is missing: looked for in ${directories.join(', ')}; install the package ${PACKAGE} ` +
        'or name its directory in ECS_CNI_PLUGINS_PATH',
    );
  }

  /** Versions of the specification that it speaks. */
  async supportedVersions(signal: AbortSignal): Promise<readonly string[]> {
    const { stdout } = await this.#execute({ CNI_COMMAND: 'VERSION' }, '{"cniVersion":"1.1.0"}', signal);
    const parsed = cniVersionsSchema.safeParse(parseJson(stdout));
    if (!parsed.success)
      throw new CniError(`CNI plugin ${this.path} does not say its versions: ${stdout}`, undefined);
    return parsed.data.supportedVersions;
  }

  /** Runs a command; gives what it printed. Rejects with `CniError` when it failed. */
  async call(
    command: CniCommand,
    env: Readonly<Record<string, string>>,
    input: object,
    signal: AbortSignal,
  ): Promise<unknown> {
    const ended = await this.#execute({ ...env, CNI_COMMAND: command }, JSON.stringify(input), signal);
    if (ended.exitCode !== 0) throw this.#failure(command, ended);
    return ended.stdout.trim() === '' ? undefined : parseJson(ended.stdout);
  }

  async #execute(
    env: Readonly<Record<string, string>>,
    input: string,
    signal: AbortSignal,
  ): Promise<CommandResult> {
    return await this.#run(this.path, [], {
      signal,
      input,
      // Plugins look for the programs they use themselves, such as iptables.
      env: { PATH: COMMAND_PATH, CNI_PATH: this.#searched.join(':'), ...env },
    });
  }

  #failure(command: CniCommand, { exitCode, stdout, stderr }: CommandResult): CniError {
    const parsed = cniErrorSchema.safeParse(parseJson(stdout));
    const status = exitCode === null ? 'a signal' : `status ${exitCode}`;
    const said = parsed.success
      ? describe(parsed.data)
      : `it ended with ${status}: ${(stderr.trim() || stdout.trim()).slice(0, 500)}`;
    return new CniError(`CNI plugin ${this.type} failed to ${command}: ${said}`, parsed.data?.code);
  }
}

function describe({ code, msg, details }: CniErrorDocument): string {
  const hint = code === INCOMPATIBLE_VERSION ? '; a newer plugin is needed' : '';
  return `${msg}${details === undefined || details === '' ? '' : `; ${details}`} (code ${code})${hint}`;
}

/** undefined for what is no JSON: the schema that it is given to says what was expected. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
