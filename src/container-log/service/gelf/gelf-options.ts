import { parseGoInt } from '../../value-parsers.ts';

/** What `gelf` was asked for (logging.md §19). */
export interface GelfOptions {
  readonly scheme: 'udp' | 'tcp';
  readonly host: string;
  readonly port: number;
  readonly compression: 'gzip' | 'zlib' | 'none';
  /** −1 (the library's choice) to 9. */
  readonly level: number;
  readonly maxReconnect: number;
  readonly reconnectDelayMs: number;
}

const UDP_ONLY = ['gelf-compression-type', 'gelf-compression-level'];
const TCP_ONLY = ['gelf-tcp-max-reconnect', 'gelf-tcp-reconnect-delay'];

/** Reads the driver's own options; throws with Docker's texts (LOG-130). */
export function parseGelfOptions(options: Readonly<Record<string, string>>): GelfOptions {
  const address = options['gelf-address'] ?? '';
  if (address === '') throw new Error('gelf-address is a required parameter');
  const match = /^(\w+):\/\/(.+)$/.exec(address);
  const scheme = match?.[1];
  if (scheme !== 'udp' && scheme !== 'tcp') throw new Error('gelf: endpoint needs to be TCP or UDP');
  const url = URL.canParse(`gelf://${match?.[2]}`) ? new URL(`gelf://${match?.[2]}`) : undefined;
  if (url === undefined || url.port === '' || url.hostname === '')
    throw new Error('gelf: please provide gelf-address as proto://host:port');
  for (const name of scheme === 'udp' ? TCP_ONLY : UDP_ONLY)
    if (options[name] !== undefined)
      throw new Error(
        scheme === 'udp'
          ? `${name} option is only supported with TCP`
          : `${name} option is only supported with UDP`,
      );
  return {
    scheme,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port),
    compression: compressionOf(options['gelf-compression-type']),
    level: levelOf(options['gelf-compression-level']),
    maxReconnect: positive(options, 'gelf-tcp-max-reconnect', 3),
    reconnectDelayMs: positive(options, 'gelf-tcp-reconnect-delay', 1) * 1000,
  };
}

function compressionOf(value = 'gzip'): GelfOptions['compression'] {
  if (value === 'gzip' || value === 'zlib' || value === 'none') return value;
  throw new Error(
    `unknown value ${JSON.stringify(value)} for log opt "gelf-compression-type" for gelf log driver`,
  );
}

function levelOf(value = '1'): number {
  const level = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (level >= -1 && level <= 9) return level;
  throw new Error(
    `unknown value ${JSON.stringify(value)} for log opt "gelf-compression-level" for gelf log driver`,
  );
}

function positive(options: Readonly<Record<string, string>>, name: string, fallback: number): number {
  const value = options[name];
  if (value === undefined) return fallback;
  const parsed = parseGoInt(value);
  if (parsed <= 0) throw new Error(`${name} must be a positive integer`);
  return parsed;
}
