import { createHash } from 'node:crypto';
import { THIS_MACHINE } from '../program/elf-file.ts';
import { PAUSE_PATH, pauseProgram } from '../program/pause-program.ts';
import type { DockerClient } from './docker-client.ts';
import { DockerError, hasStatus } from './docker-error.ts';
import { jsonLines } from './json-lines.ts';

/** Repository of images that the agent makes itself; they are no images of tasks. */
export const OWN_REPOSITORY = 'ecs-containerd-agent/pause';

/** Makes dockerd have an image of the pause program alone; gives its name. Nothing is pulled. */
export async function ensurePauseImage(client: DockerClient, signal: AbortSignal): Promise<string> {
  const program = pauseProgram(THIS_MACHINE);
  const tag = createHash('sha256').update(program).digest('hex').slice(0, 16);
  const name = `${OWN_REPOSITORY}:${tag}`;
  try {
    await client.send('GET', `/images/${name}/json`, { signal });
    return name;
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
  }
  const query = {
    fromSrc: '-',
    repo: OWN_REPOSITORY,
    tag,
    changes: `ENTRYPOINT ["${PAUSE_PATH}"]`,
  };
  const body = tarOf(PAUSE_PATH.slice(1), program);
  for await (const line of jsonLines(await client.stream('POST', '/images/create', { query, body, signal })))
    if (typeof line === 'object' && line !== null && 'error' in line)
      throw new DockerError(500, `cannot make the pause image: ${String(line.error)}`);
  return name;
}

const BLOCK = 512;

/** An archive of one program that anybody may run (pax(1), ustar interchange format). */
function tarOf(path: string, program: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, '0')}\0`, at);
  header.write(path, 0);
  octal(0o755, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(program.length, 124, 11);
  octal(0, 136, 11);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  // The sum is made with spaces in its own place.
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  const padding = Buffer.alloc((BLOCK - (program.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, program, padding, Buffer.alloc(2 * BLOCK)]);
}
