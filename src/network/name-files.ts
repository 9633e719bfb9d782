import { isIP } from 'node:net';
import { TaskError } from '../task/errors.ts';

/**
 * Contents of the files about names that every container has of its own (networking.md §5). Text in, text out.
 */

/** The name that a container gives for another address, `host:address` in the task definition. */
export interface ExtraHost {
  readonly host: string;
  readonly address: string;
}

/** Splits at the first colon, since an address may have more. Throws HostConfigError. */
export function parseExtraHost(text: string): ExtraHost {
  const colon = text.indexOf(':');
  const host = text.slice(0, colon);
  const address = text.slice(colon + 1).replace(/^\[(.*)\]$/, '$1');
  if (colon < 1 || isIP(address) === 0)
    throw new TaskError('HostConfigError', `extra host "${text}" is not of the form name:address`);
  return { host, address };
}

export interface HostsFile {
  /** Whether IPv6 is on in the container's network namespace. */
  readonly ipv6: boolean;
  readonly extraHosts: readonly ExtraHost[];
  /** Other containers of the task, with all their names; absent: none. */
  readonly links?: readonly { readonly address: string; readonly names: readonly string[] }[];
  /** The container's own address and name; absent in the host's network. */
  readonly self?: { readonly address: string; readonly hostname: string };
}

/** A hosts file made from nothing. */
export function hostsFile({ ipv6, extraHosts, links = [], self }: HostsFile): string {
  const lines = [
    '127.0.0.1\tlocalhost',
    ...(ipv6
      ? [
          '::1\tlocalhost ip6-localhost ip6-loopback',
          'fe00::0\tip6-localnet',
          'ff00::0\tip6-mcastprefix',
          'ff02::1\tip6-allnodes',
          'ff02::2\tip6-allrouters',
        ]
      : []),
    ...extraHosts.map(({ host, address }) => `${address}\t${host}`),
    ...links.map(({ address, names }) => `${address}\t${names.join(' ')}`),
    ...(self === undefined ? [] : [`${self.address}\t${namesOf(self.hostname)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** A qualified name is followed by its first label. */
function namesOf(hostname: string): string {
  const dot = hostname.indexOf('.');
  return dot < 1 ? hostname : `${hostname} ${hostname.slice(0, dot)}`;
}

/** Used where neither the task nor the host names a server that a container can reach. */
const DEFAULT_SERVERS = ['8.8.8.8', '8.8.4.4'];
const DEFAULT_SERVERS_IPV6 = ['2001:4860:4860::8888', '2001:4860:4860::8844'];
/** systemd-resolved's stub: it answers on the host only. */
const RESOLVED_STUB = '127.0.0.53';

export interface DnsWishes {
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
}

/** Whether the servers of a resolv.conf must be taken from systemd-resolved's own file instead (NET-77). */
export function isOnlyResolvedStub(resolvConf: string): boolean {
  const servers = serversOf(resolvConf);
  return servers.length > 0 && servers.every((server) => server === RESOLVED_STUB);
}

/** For a container with a network of its own: the host's servers as far as it can reach them. */
export function containerResolvConf(hostFile: string, wishes: DnsWishes, ipv6: boolean): string {
  const reachable = serversOf(hostFile).filter(
    (server) => !isLoopback(server) && (ipv6 || !server.includes(':')),
  );
  const fallback = [...DEFAULT_SERVERS, ...(ipv6 ? DEFAULT_SERVERS_IPV6 : [])];
  const servers = wishes.dns.length > 0 ? wishes.dns : reachable.length > 0 ? reachable : fallback;
  const search = wishes.dnsSearch.length > 0 ? wishes.dnsSearch : wordsOf(hostFile, 'search');
  return resolvConf(servers, search, optionsOf(hostFile));
}

/** For a container in the host's network: the host's file to the letter, except for what the task names. */
export function hostResolvConf(hostFile: string, wishes: DnsWishes): string {
  if (wishes.dns.length === 0 && wishes.dnsSearch.length === 0) return hostFile;
  return resolvConf(
    wishes.dns.length > 0 ? wishes.dns : serversOf(hostFile),
    wishes.dnsSearch.length > 0 ? wishes.dnsSearch : wordsOf(hostFile, 'search'),
    optionsOf(hostFile),
  );
}

/** A search list of `.` alone stands for none. */
function resolvConf(
  servers: readonly string[],
  search: readonly string[],
  options: readonly string[],
): string {
  const lines = [
    ...(search.length > 0 && search.join(' ') !== '.' ? [`search ${search.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function isLoopback(server: string): boolean {
  return server.startsWith('127.') || server === '::1';
}

function linesOf(file: string, keyword: string): readonly (readonly string[])[] {
  return file
    .split('\n')
    .map((line) =>
      line
        .replace(/[#;].*/, '')
        .trim()
        .split(/\s+/),
    )
    .filter(([first]) => first === keyword)
    .map(([, ...words]) => words);
}

function serversOf(file: string): readonly string[] {
  return linesOf(file, 'nameserver').flatMap((words) => words.slice(0, 1));
}

/** The last line of its kind counts (resolv.conf(5)). */
function wordsOf(file: string, keyword: string): readonly string[] {
  return linesOf(file, keyword).at(-1) ?? [];
}

function optionsOf(file: string): readonly string[] {
  return linesOf(file, 'options').flat();
}
