import { spawn } from 'node:child_process';
import { once } from 'node:events';

const WRITER = new URL('paced-writer.ts', import.meta.url).pathname;
export const BYTES_PER_SECOND = 10_000_000;

export interface PacedWriting {
  readonly seconds: number;
  /** Default 100. */
  readonly lineBytes?: number;
}

/** How many lines the writer writes. */
export function linesOf({ seconds, lineBytes = 100 }: PacedWriting): number {
  return (seconds * BYTES_PER_SECOND) / lineBytes;
}

/** Writes numbered lines into a file or FIFO at 10 MB/s, in a process of its own; what that tells of itself. */
export async function writePaced(
  path: string,
  { seconds, lineBytes = 100 }: PacedWriting,
): Promise<{ readonly lines: number; readonly ms: number }> {
  const args = [WRITER, path, BYTES_PER_SECOND, seconds, lineBytes].map(String);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += String(data);
  });
  const [exitCode] = await once(child, 'close');
  if (exitCode !== 0) throw new Error(`the writer ended with ${exitCode}`);
  return JSON.parse(output);
}

/** Counts what arrives of such lines. */
export class LineTally {
  readonly #counts: Uint8Array;
  readonly #lineBytes: number;
  /** Those that came at least once. */
  distinct = 0;
  /** Those that came once more. */
  doubled = 0;
  /** What was no whole line of the writer: the beginning of one whose sender was killed. */
  torn = 0;

  constructor(writing: PacedWriting) {
    this.#counts = new Uint8Array(linesOf(writing) + 1);
    this.#lineBytes = writing.lineBytes ?? 100;
  }

  add(text: string): void {
    const number = text.length === this.#lineBytes - 1 ? Number(/^\d+/.exec(text)?.[0]) : Number.NaN;
    const count = this.#counts[number];
    if (count === undefined || number === 0) {
      this.torn += 1;
      return;
    }
    this.#counts[number] = count + 1;
    if (count === 0) this.distinct += 1;
    else this.doubled += 1;
  }

  /** The last line that is written has come. */
  get hasLast(): boolean {
    return (this.#counts.at(-1) ?? 0) > 0;
  }
}
