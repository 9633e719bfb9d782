import { parseSight } from './probe.ts';

/** How a case ended on one runtime, as it came out. */
export interface RunOfCase {
  readonly id: string;
  readonly exitCode: number;
  readonly output: string;
  readonly cgroupParent: string;
}

/** Namespaces of the host, `net:[4026531840]`, by which a container's are told to be its own. */
export type HostNamespaces = ReadonlySet<string>;

/** What a container saw, by field, with names that differ from run to run taken out. */
export type Sight = ReadonlyMap<string, string>;

/** What the probe of a run saw. Throws when it could not see everything. */
export function sightOf(run: RunOfCase, host: HostNamespaces): Sight {
  const plain = run.output
    .replaceAll(run.id, '<id>')
    .replaceAll(run.id.slice(0, 12), '<short id>')
    .replaceAll(run.cgroupParent, '<task>');
  const sight = parseSight(plain);
  const own = ownAddresses(sight.get('addresses') ?? '', sight.get('routes') ?? '');
  const fields = [...sight].map(([name, text]) => [name, normalised(name, own(text), host)] as const);
  return new Map([...fields, ['exit code', String(run.exitCode)]]);
}

/** Takes the addresses that a bridge gave out of a text: every container has others, each runtime a bridge. */
function ownAddresses(addresses: string, routes: string): (text: string) => string {
  const [, address = ''] = /\beth0 +inet ([\d.]+)\//.exec(addresses) ?? [];
  const [, gateway = ''] = /^default via ([\d.]+) dev eth0\b/m.exec(routes) ?? [];
  const [, subnet = ''] = /^([\d.]+)\/\d+ dev eth0\b/m.exec(routes) ?? [];
  const [, broadcast = ''] = /\beth0 +inet \S+ brd ([\d.]+)/.exec(addresses) ?? [];
  const names = Object.entries({ address, gateway, subnet, broadcast }).filter(([, value]) => value !== '');
  return (text) =>
    names.reduce(
      (left, [name, value]) =>
        left.replace(new RegExp(`(?<![\\d.])${RegExp.escape(value)}(?![\\d.])`, 'g'), `<${name}>`),
      text,
    );
}

function normalised(name: string, text: string, host: HostNamespaces): string {
  if (name.startsWith('namespace ')) return host.has(text) ? "the host's" : 'its own';
  switch (name) {
    case 'mounts':
      return text.split('\n').map(mountLine).sort().join('\n');
    case 'links':
      return text
        .replace(/^\d+: ([^@:]+)(@\w+)?/gm, '$1')
        .replace(/ether [0-9a-f:]{17}/g, 'ether <own>')
        .replace(/\s*\\\s*/g, ' ');
    case 'addresses':
      // That of the endpoint is served by the agent, not by a runtime.
      return text
        .split('\n')
        .filter((line) => !line.includes('169.254.170.2'))
        .map((line) => line.replace(/^\d+: /, '').replace(/\s*\\\s*|\s+/g, ' '))
        .map((line) => line.replace(/inet6 fe80:\S+/, 'inet6 <link-local>'))
        .join('\n');
    case 'limits':
      return text.replace(/ +/g, ' ').replace(/ $/gm, '');
    case 'cgroups':
      return text
        .split('\n')
        .map((line) => line.replace(/^\d+:/, ''))
        .sort()
        .join('\n');
    default:
      return text.replace(/[ \t]+$/gm, '');
  }
}

/** Kinds of file systems whose own options say something about the container. */
const TELLING = new Set(['tmpfs', 'devpts', 'mqueue', 'proc', 'sysfs', 'cgroup']);

/**
 * A line of mountinfo without numbers and places on the host: where, kind, options, who sees mounts below it, and
 * the options of the file system itself where they are the container's.
 */
function mountLine(line: string): string {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , , where = '', options = '', ...tags] = before.split(' ');
  const [kind = '', , own = ''] = after.split(' ');
  const shared = tags.map((tag) => tag.replace(/:.*/, '')).join(' ');
  const isFromHost =
    kind === 'tmpfs' && /^\/(etc\/(hosts|hostname|resolv\.conf)|data|volume|sbin)/.test(where);
  const telling = TELLING.has(kind) && !isFromHost ? own.replace(/,inode64$/, '') : '';
  const what = isFromHost || !TELLING.has(kind) ? (where === '/' ? kind : 'bind') : kind;
  return [where, what, options, shared, telling].filter((part) => part !== '').join(' ');
}
