import { parseGoBool, parseGoInt, parseHumanSize } from '../../value-parsers.ts';
import type { LogFileOptions } from '../log-file/entry-format.ts';

const DEFAULT_MAX_BYTES = 20 * 1024 * 1024;
const DEFAULT_MAX_FILES = 5;

/** Reads the driver's own options; throws with Docker's texts (logging.md §16). */
export function parseLocalOptions(options: Readonly<Record<string, string>>): LogFileOptions {
  const read = <T>(name: string, parse: (value: string) => T, absent: T, before: string): T => {
    const value = options[name];
    if (value === undefined) return absent;
    try {
      return parse(value);
    } catch (error) {
      throw new Error(`${before}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  };
  const wrong = (name: string) => `invalid value for ${name}: ${options[name]}`;
  const maxBytes = read('max-size', parseHumanSize, DEFAULT_MAX_BYTES, wrong('max-size'));
  const maxFiles = read('max-file', parseGoInt, DEFAULT_MAX_FILES, wrong('max-file'));
  const compress = read('compress', parseGoBool, true, 'error reading compress log option');
  if (maxFiles < 0) throw new Error('max file count cannot be less than 0');
  if (compress && maxFiles <= 1) throw new Error('compression cannot be enabled when max file count is 1');
  return { maxBytes, maxFiles: Math.max(1, maxFiles), compress };
}
