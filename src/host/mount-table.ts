import { readFile } from 'node:fs/promises';

/** Where something is mounted in this process's mount namespace, in the order of the mounts (proc_pid_mountinfo(5)). */
export async function mountPoints(): Promise<readonly string[]> {
  return parseMountPoints(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** Mount points in the text of a mountinfo file. */
export function parseMountPoints(mountinfo: string): readonly string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    // Space, tab, newline and backslash are written in octal.
    return point === undefined
      ? []
      : [
          point.replace(/\\([0-7]{3})/g, (_, digits: string) =>
            String.fromCharCode(Number.parseInt(digits, 8)),
          ),
        ];
  });
}

/** Of these mount points, the ones at a directory or below it; the deepest and newest first. */
export function mountsBelow(points: readonly string[], directory: string): readonly string[] {
  return points
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .reverse()
    .sort((a, b) => b.length - a.length);
}
