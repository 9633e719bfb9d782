import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runsUnderSystemd, serviceManager } from '../../../src/host/service-manager.ts';

describe('telling the service manager', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'service-manager-'));
    writeFileSync(
      join(directory, 'systemd-notify'),
      `#!/bin/sh\ncase $1 in *slow*) sleep 0.2;; esac\necho "$1" >> '${directory}/told'\n`,
    );
    chmodSync(join(directory, 'systemd-notify'), 0o755);
    vi.stubEnv('PATH', `${directory}:${process.env.PATH ?? ''}`);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });

  it('tells states in the order of their coming, however long one takes', async () => {
    const manager = serviceManager({ NOTIFY_SOCKET: '/run/systemd/notify' });
    manager.status('a slow one');
    manager.status('a quick one');
    manager.ready();
    const told = () => readFileSync(join(directory, 'told'), 'utf8').trim().split('\n');
    await vi.waitFor(
      () => expect(told()).toEqual(['--status=a slow one', '--status=a quick one', '--ready']),
      {
        timeout: 10_000,
      },
    );
  });

  it('tells nothing where nobody asked', async () => {
    serviceManager({}).ready();
    const asked = serviceManager({ NOTIFY_SOCKET: '@socket' });
    asked.ready();
    await vi.waitFor(() => expect(existsSync(join(directory, 'told'))).toBe(true), { timeout: 10_000 });
    expect(readFileSync(join(directory, 'told'), 'utf8')).toBe('--ready\n');
  });

  it('is no service of systemd when an ancestor of it is one', () => {
    expect(runsUnderSystemd({ SYSTEMD_EXEC_PID: String(process.ppid), NOTIFY_SOCKET: '/n' })).toBe(false);
    expect(runsUnderSystemd({})).toBe(false);
  });
});
