import { execFile } from 'node:child_process';

/** Tells systemd how the service is (sd_notify(3)); does nothing where no service manager asked for it. */
export interface ServiceManager {
  /** The service is up. */
  ready(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
}

/** Uses systemd-notify: the few messages of a run are not worth a socket library. */
export function serviceManager(env: Readonly<Record<string, string | undefined>>): ServiceManager {
  const asked = (env.NOTIFY_SOCKET ?? '') !== '';
  const notify = (...args: readonly string[]) => {
    if (asked) execFile('systemd-notify', [...args], { timeout: 5_000 }, () => {});
  };
  return {
    ready: () => notify('--ready'),
    status: (text) => notify(`--status=${text}`),
  };
}
