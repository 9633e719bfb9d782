import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';

/** There when systemd is the machine's init (sd_booted(3)). */
const SYSTEMD_MARK = '/run/systemd/system';
const NOTIFY_TIMEOUT_MS = 5_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Tells systemd how the service is (sd_notify(3)); does nothing where no service manager asked for it. */
export interface ServiceManager {
  /** The service is up. */
  ready(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
}

/** Uses systemd-notify: the few messages of a run are not worth a socket library. Told in the order of calls. */
export function serviceManager(env: Environment): ServiceManager {
  const asked = (env.NOTIFY_SOCKET ?? '') !== '';
  let told = Promise.resolve();
  const notify = (argument: string) => {
    if (asked) told = told.then(() => run('systemd-notify', argument));
  };
  return {
    ready: () => notify('--ready'),
    status: (text) => notify(`--status=${text}`),
  };
}

/** Whether systemd started this very process as a service, not only one of our ancestors (systemd.exec(5)). */
export function runsUnderSystemd(env: Environment): boolean {
  const { SYSTEMD_EXEC_PID: startedPid, NOTIFY_SOCKET: socket = '' } = env;
  // systemd tells the pid from version 248 on.
  const isOurs = startedPid === undefined ? socket !== '' : startedPid === String(process.pid);
  return isOurs && existsSync(SYSTEMD_MARK);
}

/** Failures are nobody's concern: the service works without a status line. */
async function run(command: string, argument: string): Promise<void> {
  await new Promise<void>((resolve) => {
    execFile(command, [argument], { timeout: NOTIFY_TIMEOUT_MS }, () => resolve());
  });
}
