import { existsSync } from 'node:fs';

export type SyslogAddress =
  | { readonly kind: 'local' }
  | { readonly kind: 'unix' | 'unixgram'; readonly path: string }
  | { readonly kind: 'udp' | 'tcp' | 'tcp+tls'; readonly host: string; readonly port: number };

export type SyslogFormat = '' | 'rfc3164' | 'rfc5424' | 'rfc5424micro';

/** What `syslog` was asked for (logging.md §18). */
export interface SyslogOptions {
  readonly address: SyslogAddress;
  /** 0 to 23. */
  readonly facility: number;
  readonly format: SyslogFormat;
  readonly tls: {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly skipVerify: boolean;
  };
}

const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  // 12 to 15 have no name.
  ...['', '', '', ''],
  ...['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
];
const DAEMON = 3;
const DEFAULT_PORT = 514;
const FORMATS: readonly SyslogFormat[] = ['', 'rfc3164', 'rfc5424', 'rfc5424micro'];

/** Reads the driver's own options; throws with Docker's texts. */
export function parseSyslogOptions(options: Readonly<Record<string, string>>): SyslogOptions {
  const format = FORMATS.find((known) => known === (options['syslog-format'] ?? ''));
  if (format === undefined) throw new Error('Invalid syslog format');
  const file = (name: string, option: string) => {
    const value = options[option];
    return value === undefined || value === '' ? {} : { [name]: value };
  };
  return {
    address: parseAddress(options['syslog-address'] ?? ''),
    facility: parseFacility(options['syslog-facility'] ?? ''),
    format,
    tls: {
      ...file('caFile', 'syslog-tls-ca-cert'),
      ...file('certFile', 'syslog-tls-cert'),
      ...file('keyFile', 'syslog-tls-key'),
      // With any value, `false` too (LOG-127).
      skipVerify: options['syslog-tls-skip-verify'] !== undefined,
    },
  };
}

function parseFacility(value: string): number {
  if (value === '') return DAEMON;
  const named = FACILITIES.indexOf(value);
  if (named >= 0) return named;
  const number = /^\d+$/.test(value) ? Number(value) : -1;
  if (number < 0 || number > 23) throw new Error('invalid syslog facility');
  return number;
}

function parseAddress(value: string): SyslogAddress {
  if (value === '') return { kind: 'local' };
  const match = /^(udp|tcp|tcp\+tls|unix|unixgram):\/\/(.*)$/.exec(value);
  const [, scheme, rest = ''] = match ?? [];
  if (scheme === 'unix' || scheme === 'unixgram') {
    if (!existsSync(rest)) throw new Error(`stat ${rest}: no such file or directory`);
    return { kind: scheme, path: rest };
  }
  if (scheme !== 'udp' && scheme !== 'tcp' && scheme !== 'tcp+tls')
    throw new Error(
      `unsupported scheme in syslog-address '${value}'; use udp, tcp, tcp+tls, unix or unixgram`,
    );
  const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : undefined;
  if (url === undefined || url.hostname === '') throw new Error(`invalid syslog-address '${value}'`);
  // A URL leaves out what is its scheme's own port.
  const port = url.port !== '' ? Number(url.port) : /:80$/.test(rest) ? 80 : DEFAULT_PORT;
  return { kind: scheme, host: url.hostname.replace(/^\[|\]$/g, ''), port };
}
