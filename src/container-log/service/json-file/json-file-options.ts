import { parseGoBool, parseGoInt, parseHumanSize } from '../../value-parsers.ts';
import type { LogFileOptions } from '../log-file/entry-format.ts';

/** Reads the driver's own options; throws with Docker's texts (LOG-42, LOG-119). */
export function parseJsonFileOptions(options: Readonly<Record<string, string>>): LogFileOptions {
  const size = options['max-size'];
  const maxBytes = size === undefined ? Number.POSITIVE_INFINITY : parseHumanSize(size);
  if (maxBytes <= 0) throw new Error('max-size must be a positive number');
  const files = options['max-file'];
  const maxFiles = files === undefined ? 1 : parseGoInt(files);
  if (maxFiles < 1) throw new Error('max-file cannot be less than 1');
  const compress = options.compress === undefined ? false : parseGoBool(options.compress);
  if (compress && (maxFiles < 2 || size === undefined))
    throw new Error('compress cannot be true when max-file is less than 2 or max-size is not set');
  return { maxBytes, maxFiles, compress };
}
