import { join } from 'node:path';
import { type RunResult, tryRun } from '../support/run.ts';

const repository = join(import.meta.dirname, '../..');
/** Machines that are tried when the emulator itself fails. */
const ATTEMPTS = 3;
/** What tells of a fault below the program under test, seen with software emulation of several processors. */
const EMULATOR_FAULTS: ReadonlyMap<number | null, string> = new Map([
  [125, 'the machine ended without a status'],
  [133, 'the JavaScript engine found its memory corrupted'],
]);

/**
 * Runs a script of the repository with its Node in a fresh virtual machine and gives what it printed. A machine
 * that breaks down by itself is replaced, and said so; what the script does wrong is never tried again.
 */
export async function runInMachine(
  script: string,
  timeoutMs: number,
  args: readonly string[] = [],
): Promise<string> {
  const machine = ['--share', `${repository}:/repo`, '--timeout', String(timeoutMs / 1000)];
  const command = ['/repo/node_modules/.bin/node', join('/repo', script), ...args];
  for (let attempt = 1; ; attempt++) {
    const result = await tryRun(join(repository, 'scripts/vm'), [...machine, '--', ...command], {
      timeoutMs,
    });
    if (result.exitCode === 0) return result.stdout;
    const fault = EMULATOR_FAULTS.get(result.exitCode);
    if (fault === undefined || attempt === ATTEMPTS) throw new Error(describe(script, result));
    console.warn(`virtual machine ${attempt} of ${ATTEMPTS} broke down: ${fault}; trying another`);
  }
}

function describe(script: string, { exitCode, stdout, stderr }: RunResult): string {
  return `${script} ended with ${exitCode ?? 'a signal'} in the virtual machine:\n${stdout}\n${stderr}`;
}
