import { readFile } from 'node:fs/promises';

/** Links by which a network namespace reaches the world. */
export interface DefaultLinks {
  /** Of the best IPv4 and the best IPv6 default route, one when they are the same. */
  readonly names: readonly string[];
  /** There is no IPv4 default route, but one of IPv6. */
  readonly ipv6Only: boolean;
}

const IPV6_ANY = '0'.repeat(32);
/** Flag of a route that drops what it gets (RTF_REJECT). */
const RTF_REJECT = 0x200;

/** Reads the default routes of the namespace of `/proc/<process>`. Rejects when the process is gone. */
export async function observeDefaultLinks(process: string): Promise<DefaultLinks> {
  const [ipv4, ipv6] = await Promise.all([
    readFile(`/proc/${process}/net/route`, 'utf8'),
    // Without IPv6 in the kernel there is no such file.
    readFile(`/proc/${process}/net/ipv6_route`, 'utf8').catch(() => ''),
  ]);
  const best4 = bestRoute(parseRoutes4(ipv4));
  const best6 = bestRoute(parseRoutes6(ipv6));
  return {
    names: [...new Set([best4, best6].filter((name) => name !== undefined))],
    ipv6Only: best4 === undefined && best6 !== undefined,
  };
}

interface DefaultRoute {
  readonly link: string;
  readonly metric: number;
}

/** Lines of `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, numbers in hex but the metric. */
function parseRoutes4(text: string): readonly DefaultRoute[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')
    .filter(([, , , flags = '0']) => (Number.parseInt(flags, 16) & RTF_REJECT) === 0)
    .map(([link = '', , , , , , metric = '0']) => ({ link, metric: Number(metric) }));
}

/** Lines of `destination length source length hop metric refs use flags link`, all in hex. */
function parseRoutes6(text: string): readonly DefaultRoute[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([destination, length]) => destination === IPV6_ANY && length === '00')
    .filter(([, , , , , , , , flags = '0']) => (Number.parseInt(flags, 16) & RTF_REJECT) === 0)
    .map(([, , , , , metric = '0', , , , link = '']) => ({ link, metric: Number.parseInt(metric, 16) }))
    .filter(({ link }) => link !== 'lo');
}

function bestRoute(routes: readonly DefaultRoute[]): string | undefined {
  return routes.toSorted((a, b) => a.metric - b.metric)[0]?.link;
}
