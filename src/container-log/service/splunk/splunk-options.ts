import { parseGoBool, parseGoInt } from '../../value-parsers.ts';

export type SplunkFormat = 'inline' | 'json' | 'raw';

/** What `splunk` was asked for (logging.md §22). */
export interface SplunkOptions {
  readonly token: string;
  readonly url: URL;
  readonly source: string;
  readonly sourcetype: string;
  readonly index: string;
  readonly caFile?: string;
  readonly caName?: string;
  readonly skipVerify: boolean;
  readonly format: SplunkFormat;
  readonly verifyConnection: boolean;
  /** Absent: bodies are not compressed. */
  readonly gzipLevel?: number;
  readonly indexAcknowledgment: boolean;
}

/** Reads the driver's own options; throws with Docker's texts (LOG-75, LOG-165). */
export function parseSplunkOptions(options: Readonly<Record<string, string>>): SplunkOptions {
  const value = (name: string) => options[`splunk-${name}`] ?? '';
  const bool = (name: string, fallback: boolean) =>
    value(name) === '' ? fallback : parseGoBool(value(name));
  const url = parseUrl(value('url'));
  if (value('token') === '') throw new Error('splunk: splunk-token is expected');
  const format = value('format') || 'inline';
  if (format !== 'inline' && format !== 'json' && format !== 'raw')
    throw new Error(`unknown format specified ${format}, supported formats are inline, json and raw`);
  return {
    token: value('token'),
    url,
    source: value('source'),
    sourcetype: value('sourcetype'),
    index: value('index'),
    ...(value('capath') !== '' && { caFile: value('capath') }),
    ...(value('caname') !== '' && { caName: value('caname') }),
    skipVerify: bool('insecureskipverify', false),
    format,
    verifyConnection: bool('verify-connection', true),
    ...(bool('gzip', false) && { gzipLevel: gzipLevelOf(value('gzip-level')) }),
    indexAcknowledgment: bool('index-acknowledgment', false),
  };
}

function parseUrl(text: string): URL {
  if (text === '') throw new Error('splunk: splunk-url is expected');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined &&
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.username === '' &&
    (url.pathname === '/' || url.pathname === '') &&
    url.search === '' &&
    url.hash === '';
  if (!isPlain) throw new Error('splunk: expected format scheme://dns_name_or_ip:port for splunk-url');
  return url;
}

function gzipLevelOf(value: string): number {
  if (value === '') return -1;
  const level = parseGoInt(value);
  if (level < -1 || level > 9)
    throw new Error(
      `not supported level '${value}' for splunk-gzip-level (supported values between -1 and 9)`,
    );
  return level;
}
