import { attribute, changeHere, dumpHere, findAttribute, NetlinkError, uint32 } from './netlink.ts';

/** An address of a link. */
export interface LinkAddress {
  readonly index: number;
  readonly address: string;
  readonly prefixLength: number;
}

/** A route of the main table. */
export interface Route {
  /** `0.0.0.0/0` and `::/0` are the default routes. */
  readonly destination: string;
  readonly gateway?: string;
  /** The address that packets come from if their sender has chosen none. */
  readonly source?: string;
  /** The link that it leads to; absent for `blackhole`. */
  readonly index?: number;
  /** `blackhole` drops what goes there. */
  readonly kind: 'unicast' | 'blackhole';
}

const AF_INET = 2;
const AF_INET6 = 10;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const NLM_F_CREATE_EXCLUSIVELY = 0x600;
/** struct ifaddrmsg and struct rtmsg. */
const ADDRESS_HEAD = 8;
const ROUTE_HEAD = 12;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_NODAD = 0x02;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PREFSRC = 7;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;
const RTN_UNICAST = 1;
const RTN_BLACKHOLE = 6;

/**
 * Gives a link of the thread's namespace an address; there already: success. IPv4 with the broadcast address of its
 * network if that has one, IPv6 without waiting for duplicates.
 */
export function addAddress({ index, address, prefixLength }: LinkAddress): void {
  const bytes = addressBytes(address);
  const isV6 = bytes.length === 16;
  const head = Buffer.alloc(ADDRESS_HEAD);
  head[0] = isV6 ? AF_INET6 : AF_INET;
  head[1] = prefixLength;
  head[2] = isV6 ? IFA_F_NODAD : 0;
  head.writeUInt32LE(index, 4);
  orThere(() =>
    changeHere({
      what: `adding address ${address}/${prefixLength}`,
      type: RTM_NEWADDR,
      flags: NLM_F_CREATE_EXCLUSIVELY,
      body: Buffer.concat([
        head,
        attribute(IFA_LOCAL, bytes),
        attribute(IFA_ADDRESS, bytes),
        ...(isV6 || prefixLength > 30 ? [] : [attribute(IFA_BROADCAST, broadcastOf(bytes, prefixLength))]),
      ]),
    }),
  );
}

/** The last address of the network of an IPv4 address. */
function broadcastOf(address: Buffer, prefixLength: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((address.readUInt32BE(0) | (0xffff_ffff >>> prefixLength)) >>> 0, 0);
  return bytes;
}

/** Addresses of all links of the thread's namespace. */
export function addressesHere(): readonly LinkAddress[] {
  return dumpHere({ what: 'listing addresses', type: RTM_GETADDR, body: Buffer.alloc(ADDRESS_HEAD) }).map(
    (content) => {
      const attributes = content.subarray(ADDRESS_HEAD);
      const bytes = findAttribute(attributes, IFA_LOCAL) ?? findAttribute(attributes, IFA_ADDRESS);
      return {
        index: content.readUInt32LE(4),
        address: addressText(bytes ?? Buffer.alloc(4)),
        prefixLength: content[1] ?? 0,
      };
    },
  );
}

/** Adds a route in the thread's namespace; there already: success. */
export function addRoute(route: Route): void {
  orThere(() =>
    changeHere({
      what: `adding route ${describe(route)}`,
      type: RTM_NEWROUTE,
      flags: NLM_F_CREATE_EXCLUSIVELY,
      body: routeBody(route),
    }),
  );
}

/** Takes a route away; not there: success. */
export function removeRoute(route: Route): void {
  try {
    changeHere({
      what: `removing route ${describe(route)}`,
      type: RTM_DELROUTE,
      body: routeBody(route, true),
    });
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'ESRCH')) throw error;
  }
}

/** Routes of the main table of the thread's namespace, of one family. */
export function routesHere(family: 'ipv4' | 'ipv6'): readonly Route[] {
  const head = Buffer.alloc(ROUTE_HEAD);
  head[0] = family === 'ipv6' ? AF_INET6 : AF_INET;
  return dumpHere({ what: 'listing routes', type: RTM_GETROUTE, body: head }).flatMap((content) => {
    const type = content[7];
    if (content[4] !== RT_TABLE_MAIN || (type !== RTN_UNICAST && type !== RTN_BLACKHOLE)) return [];
    const attributes = content.subarray(ROUTE_HEAD);
    const destination = findAttribute(attributes, RTA_DST);
    const gateway = findAttribute(attributes, RTA_GATEWAY);
    const index = findAttribute(attributes, RTA_OIF)?.readUInt32LE(0);
    const anywhere = family === 'ipv6' ? '::' : '0.0.0.0';
    return [
      {
        destination: `${destination === undefined ? anywhere : addressText(destination)}/${content[1] ?? 0}`,
        ...(gateway !== undefined && { gateway: addressText(gateway) }),
        ...(index !== undefined && type === RTN_UNICAST && { index }),
        kind: type === RTN_BLACKHOLE ? ('blackhole' as const) : ('unicast' as const),
      },
    ];
  });
}

/** Address and prefix length of `10.0.0.1/24`. */
export function splitPrefix(text: string): { readonly address: string; readonly prefixLength: number } {
  const [address = '', length = ''] = text.split('/');
  return { address, prefixLength: Number(length) };
}

/** Four or sixteen bytes, in network order. */
export function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const words = (text: string) => (text === '' ? [] : text.split(':'));
  const left = words(head);
  const right = words(tail ?? '');
  const zeros: string[] = Array(8 - left.length - right.length).fill('0');
  return Buffer.from([...left, ...zeros, ...right].map((word) => word.padStart(4, '0')).join(''), 'hex');
}

/** The usual text of an address: IPv6 as URLs have it, with its longest run of zeros left out. */
function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
  return new URL(`http://[${words}]`).hostname.slice(1, -1);
}

function routeBody({ destination, gateway, source, index, kind }: Route, anyScope = false): Buffer {
  const { address, prefixLength } = splitPrefix(destination);
  const bytes = addressBytes(address);
  const head = Buffer.alloc(ROUTE_HEAD);
  head[0] = bytes.length === 16 ? AF_INET6 : AF_INET;
  head[1] = prefixLength;
  head[4] = RT_TABLE_MAIN;
  head[5] = anyScope ? 0 : RTPROT_STATIC;
  head[6] = anyScope
    ? RT_SCOPE_NOWHERE
    : kind === 'blackhole' || gateway !== undefined
      ? RT_SCOPE_UNIVERSE
      : RT_SCOPE_LINK;
  head[7] = kind === 'blackhole' ? RTN_BLACKHOLE : RTN_UNICAST;
  return Buffer.concat([
    head,
    attribute(RTA_DST, bytes),
    ...(gateway === undefined ? [] : [attribute(RTA_GATEWAY, addressBytes(gateway))]),
    ...(index === undefined ? [] : [attribute(RTA_OIF, uint32(index))]),
    ...(source === undefined ? [] : [attribute(RTA_PREFSRC, addressBytes(source))]),
  ]);
}

function describe({ destination, gateway, kind }: Route): string {
  if (kind === 'blackhole') return `blackhole ${destination}`;
  return gateway === undefined ? destination : `${destination} via ${gateway}`;
}

function orThere(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'EEXIST')) throw error;
  }
}
