import type { DriverContext, LogDriver } from '../driver.ts';
import { LogFileDriver } from '../log-file/log-file-driver.ts';
import { parseJsonFileOptions } from './json-file-options.ts';
import { JsonLineFormat } from './json-line.ts';

/** Sets up the driver `json-file` (logging.md §15). */
export async function openJsonFileDriver(context: DriverContext): Promise<LogDriver> {
  const { options, attributes, tag } = context.config;
  const format = new JsonLineFormat({ ...attributes, ...(tag === undefined ? {} : { tag }) });
  return new LogFileDriver(context, context.paths.jsonLog, format, parseJsonFileOptions(options));
}
