/** What the adapter needs of a logger; pino's fits. */
export interface RuntimeLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export const SILENT: RuntimeLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };
