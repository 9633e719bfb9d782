import type { LogDirectories } from './log-paths.ts';

/** What is run, whoever runs it. */
export interface LogServiceCommand {
  readonly command: readonly string[];
  /** All of it: that of the agent may hold secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Both outputs are appended there. */
  readonly outputFile: string;
}

/**
 * Arguments of systemd-run(1) that start the log service as a transient unit. systemd starts it again when it is
 * killed, also while there is no agent; an end with status 0 is one of its own will.
 */
export function logServiceUnitArguments(
  { command, env, outputFile }: LogServiceCommand,
  directories: LogDirectories,
): readonly string[] {
  const properties = {
    WorkingDirectory: '/',
    StandardOutput: `append:${outputFile}`,
    StandardError: `append:${outputFile}`,
    Restart: 'on-failure',
    RestartSec: '200ms',
    OOMScoreAdjust: '-500',
  };
  return [
    `--unit=${logServiceUnitName(directories)}`,
    '--description=Logs of Amazon ECS containers',
    // Nothing stays behind of a unit that has failed: it would be in the way of the next one.
    '--collect',
    '--quiet',
    '--service-type=exec',
    ...Object.entries(properties).map(([name, value]) => `--property=${name}=${value}`),
    ...Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`),
    '--',
    ...command,
  ];
}

/** One unit for each run directory; `/run/ecs-containerd-agent` gives `ecs-containerd-agent-logs.service`. */
export function logServiceUnitName({ runDir }: LogDirectories): string {
  const plain = /^\/run\/([\w.-]+)$/.exec(runDir)?.[1];
  return `${plain ?? escaped(runDir)}-logs.service`;
}

/** As systemd-escape(1) does: `/` becomes `-`, whatever might be mistaken becomes `\xNN`. */
function escaped(path: string): string {
  const bytes = [...Buffer.from(path.replace(/^\/+/, ''))];
  return bytes
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (character === '/') return '-';
      return /[A-Za-z0-9_.:]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}
