import { readFile } from 'node:fs/promises';
import { runCommand } from '../../../host/run-command.ts';
import { TaskError } from '../../../task/errors.ts';
import { DEFAULT_APPARMOR_PROFILE, defaultAppArmorProfile } from './default-profile.ts';

const PROFILES = '/sys/kernel/security/apparmor/profiles';
const PARSER_TIMEOUT_MS = 30_000;

/** AppArmor of this host, where the kernel has it on and `apparmor_parser` is installed. */
export class AppArmor {
  #loading: Promise<void> | undefined;

  /**
   * The profile of a container: the one that it names, which must be loaded, or the default one, which is loaded
   * when it is first needed. Undefined: none. Rejects with CannotCreateContainerError.
   */
  async profileFor(wanted: string | undefined): Promise<string | undefined> {
    if (wanted === 'unconfined') return undefined;
    if (wanted === undefined) {
      await this.#loadDefault();
      return DEFAULT_APPARMOR_PROFILE;
    }
    if (!isLoaded(await readFile(PROFILES, 'utf8'), wanted))
      throw new TaskError(
        'CannotCreateContainerError',
        `dockerSecurityOptions: "apparmor:${wanted}": no such AppArmor profile is loaded on this host`,
      );
    return wanted;
  }

  /** Once for all containers; after a failure the next one tries again. Loading it anew changes nothing. */
  async #loadDefault(): Promise<void> {
    this.#loading ??= load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    await this.#loading;
  }
}

async function load(): Promise<void> {
  // It reads its standard input, which is a socket: /dev/stdin by its name could not be opened.
  const { exitCode, stderr } = await runCommand('apparmor_parser', ['-Kr'], {
    signal: AbortSignal.timeout(PARSER_TIMEOUT_MS),
    input: defaultAppArmorProfile(DEFAULT_APPARMOR_PROFILE),
  });
  if (exitCode !== 0)
    throw new TaskError(
      'CannotCreateContainerError',
      `the AppArmor profile ${DEFAULT_APPARMOR_PROFILE} could not be loaded: ${stderr.trim()}`,
      { retryable: true },
    );
}

/** The file has a line for each profile, `name (enforce)`. */
function isLoaded(profiles: string, name: string): boolean {
  return profiles.split('\n').some((line) => line.replace(/ \([a-z]+\)$/, '') === name);
}
