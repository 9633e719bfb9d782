import { describe, expect, it } from 'vitest';
import { logServiceUnitArguments, logServiceUnitName } from '../../../src/container-log/log-service-unit.ts';

const dataDir = '/var/lib/ecs/data';

describe('the log service as a unit of systemd', () => {
  it.each([
    ['/run/ecs-containerd-agent', 'ecs-containerd-agent-logs.service'],
    ['/run/ecs-blue', 'ecs-blue-logs.service'],
    ['/srv/a-b/run', 'srv-a\\x2db-run-logs.service'],
    ['/srv/a/b-run', 'srv-a-b\\x2drun-logs.service'],
    ['/tmp/ä', 'tmp-\\xc3\\xa4-logs.service'],
  ])('has a name of its own for each run directory: %s', (runDir, name) => {
    expect(logServiceUnitName({ runDir, dataDir })).toBe(name);
  });

  it('is started again when it is killed, is told nothing but its own environment, and writes to its log', () => {
    const args = logServiceUnitArguments(
      { command: ['/node', 'x.js', '--run-dir', '/run/ecs'], env: { PATH: '/bin' }, outputFile: '/log' },
      { runDir: '/run/ecs', dataDir },
    );
    expect(args).toContain('--unit=ecs-logs.service');
    expect(args).toContain('--property=Restart=on-failure');
    expect(args).toContain('--property=StandardError=append:/log');
    expect(args.filter((arg) => arg.startsWith('--setenv'))).toEqual(['--setenv=PATH=/bin']);
    expect(args.slice(args.indexOf('--') + 1)).toEqual(['/node', 'x.js', '--run-dir', '/run/ecs']);
  });
});
