import type { DriverContext, LogDriver } from '../driver.ts';
import { LogFileDriver } from '../log-file/log-file-driver.ts';
import { LocalEntryFormat } from './local-entry.ts';
import { parseLocalOptions } from './local-options.ts';

/** Sets up the driver `local` (logging.md §16). */
export async function openLocalDriver(context: DriverContext): Promise<LogDriver> {
  const options = parseLocalOptions(context.config.options);
  return new LogFileDriver(context, context.paths.localLog, new LocalEntryFormat(), options);
}
