import { readFileSync } from 'node:fs';
import { run } from './run.ts';

/** One line of /proc/self/mountinfo. */
export interface HostMount {
  readonly mountPoint: string;
  /** What of the filesystem is mounted; `net:[4026532…]` for a network namespace. */
  readonly root: string;
  readonly fsType: string;
}

/** Every mount of this mount namespace, in order. */
export function hostMounts(): HostMount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const fields = left.split(' ');
      return {
        root: unescapeOctal(fields[3] ?? ''),
        mountPoint: unescapeOctal(fields[4] ?? ''),
        fsType: right.split(' ')[0] ?? '',
      };
    });
}

/** Unmounts everything at or under `directory`, the last mounted first. */
export async function unmountUnder(directory: string): Promise<void> {
  const points = hostMounts()
    .map(({ mountPoint }) => mountPoint)
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .reverse();
  for (const point of points) await run('umount', ['--lazy', point]);
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
