import { mkdir, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Config } from '../config/config.ts';

/** Where log lines go; `end` resolves when all are written. */
export interface LogFile {
  write(line: string): void;
  end(): Promise<void>;
}

/** Lines that wait for the disk; a stalled disk loses lines beyond this rather than fill the memory. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/**
 * Opens ECS_LOGFILE with the rotation of ECS_LOG_ROLLOVER_TYPE: by size as `name.1` (newest) to `name.N`, hourly
 * as `name.YYYY-MM-DD-HH`, or none. `onError` is told what the file cannot do later; rejects when it cannot be
 * written at all.
 */
export async function openLogFile(
  config: Pick<Config, 'logFile' | 'logRollover' | 'logMaxFileSizeMb' | 'logMaxRollCount'>,
  onError: (error: Error) => void,
): Promise<LogFile> {
  await mkdir(dirname(config.logFile), { recursive: true });
  await (await open(config.logFile, 'a')).close();
  const { createStream } = await import('rotating-file-stream');
  const name = basename(config.logFile);
  const path = dirname(config.logFile);
  const stream =
    config.logRollover === 'size'
      ? createStream(name, {
          path,
          size: `${Math.max(1, Math.round(config.logMaxFileSizeMb * 1_000_000))}B`,
          rotate: config.logMaxRollCount,
        })
      : config.logRollover === 'hourly'
        ? createStream((time) => (time instanceof Date ? `${name}.${hourOf(time)}` : name), {
            path,
            interval: '1h',
            maxFiles: config.logMaxRollCount,
          })
        : createStream(name, { path });
  stream.on('error', onError);
  stream.on('warning', onError);
  return {
    write(line) {
      if (!stream.destroyed && stream.writableLength < MAX_WAITING_BYTES) stream.write(line);
    },
    async end() {
      if (stream.destroyed) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.once('close', resolve);
      stream.end(resolve);
      await promise;
    },
  };
}

function hourOf(time: Date): string {
  return time.toISOString().slice(0, 13).replace('T', '-');
}
