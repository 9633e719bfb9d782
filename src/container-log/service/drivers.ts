import type { DriverFactory } from './driver.ts';
import { openJsonFileDriver } from './json-file/json-file-driver.ts';

/** The drivers that this service runs; `none` needs no service. */
export const DRIVERS: Readonly<Record<string, DriverFactory>> = {
  'json-file': openJsonFileDriver,
};
