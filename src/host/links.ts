import {
  attribute,
  changeHere,
  dumpHere,
  findAttribute,
  NetlinkError,
  nestedAttribute,
  readText,
  textOf,
  uint16,
  uint32,
} from './netlink.ts';

/** A network interface of the namespace that was looked into. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Six hex pairs in lower case; empty where it has none. */
  readonly mac: string;
  /** What made it, `veth`, `bridge`, `vlan` …; absent: hardware. */
  readonly kind?: string;
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  readonly isEthernet: boolean;
  readonly mtu: number;
  /** Index of the bridge that it is a port of. */
  readonly master?: number;
  /** A note on it that moves with it (`ip link set alias`). */
  readonly alias?: string;
}

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const NLM_F_CREATE_EXCLUSIVELY = 0x600;
/** struct ifinfomsg. */
const HEAD = 16;
const ARPHRD_ETHER = 1;
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_VLAN_ID = 1;

/** The links of the thread's network namespace, without yielding. Measured: 0.1 ms. */
export function linksHere(): readonly Link[] {
  return dumpHere({ what: 'listing links', type: RTM_GETLINK, body: head(0) }).map(readLink);
}

/**
 * The device of an ENI: hardware with that MAC address, or one end of a veth pair where the instance is itself a
 * network namespace; of several the one with the shortest name. Links that borrow the address of another, such as
 * bridges and vlans, are none.
 */
export function findDevice(links: readonly Link[], mac: string): Link | undefined {
  return links
    .filter((link) => link.mac === mac && link.isEthernet && !link.isLoopback)
    .filter(({ kind }) => kind === undefined || kind === 'veth')
    .toSorted((a, b) => a.name.length - b.name.length || a.name.localeCompare(b.name))[0];
}

/** Changes a link of the thread's namespace. Throws `NetlinkError`. */
export function changeLink(
  { index, name }: Pick<Link, 'index' | 'name'>,
  change: {
    readonly name?: string;
    readonly alias?: string;
    readonly mtu?: number;
    readonly isUp?: boolean;
  },
): void {
  const { isUp } = change;
  changeHere({
    what: `changing link ${name}`,
    type: RTM_NEWLINK,
    body: Buffer.concat([
      head(index, isUp === undefined ? 0 : IFF_UP, isUp === true ? IFF_UP : 0),
      ...(change.name === undefined ? [] : [attribute(IFLA_IFNAME, textOf(change.name))]),
      ...(change.mtu === undefined ? [] : [attribute(IFLA_MTU, uint32(change.mtu))]),
      // An empty text, without a final zero, takes the note away.
      ...(change.alias === undefined ? [] : [attribute(IFLA_IFALIAS, Buffer.from(change.alias))]),
    ]),
  });
}

/**
 * Moves a link of the thread's namespace into that of the descriptor `namespace`, under a new name; it is down
 * there and has lost addresses and routes. The name is taken there: EEXIST, and the link stays.
 */
export function moveLink(link: Pick<Link, 'index' | 'name'>, namespace: number, name: string): void {
  changeHere({
    what: `moving link ${link.name} to another namespace as ${name}`,
    type: RTM_NEWLINK,
    body: Buffer.concat([
      head(link.index),
      attribute(IFLA_NET_NS_FD, uint32(namespace)),
      attribute(IFLA_IFNAME, textOf(name)),
    ]),
  });
}

/** Makes a vlan link with its own MAC address on top of `trunk`. One of that name is there: EEXIST. */
export function addVlan(
  trunk: Pick<Link, 'index'>,
  { name, vlanId, mac }: { readonly name: string; readonly vlanId: number; readonly mac: string },
): void {
  changeHere({
    what: `making vlan ${vlanId} as ${name}`,
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE_EXCLUSIVELY,
    body: Buffer.concat([
      head(0),
      attribute(IFLA_IFNAME, textOf(name)),
      attribute(IFLA_ADDRESS, Buffer.from(mac.replaceAll(':', ''), 'hex')),
      attribute(IFLA_LINK, uint32(trunk.index)),
      nestedAttribute(
        IFLA_LINKINFO,
        attribute(IFLA_INFO_KIND, textOf('vlan')),
        nestedAttribute(IFLA_INFO_DATA, attribute(IFLA_VLAN_ID, uint16(vlanId))),
      ),
    ]),
  });
}

/** Whether the kernel has vlans; loads what has them. Nothing is made, since the request names neither trunk nor number. */
export function hasVlans(): boolean {
  try {
    changeHere({
      what: 'asking for vlans',
      type: RTM_NEWLINK,
      flags: NLM_F_CREATE_EXCLUSIVELY,
      body: Buffer.concat([
        head(0),
        nestedAttribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, textOf('vlan'))),
      ]),
    });
    return true;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return error.code !== 'ENOTSUP';
  }
}

/** Not there any more: success. */
export function deleteLink({ index, name }: Pick<Link, 'index' | 'name'>): void {
  try {
    changeHere({ what: `deleting link ${name}`, type: RTM_DELLINK, body: head(index) });
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'ENODEV')) throw error;
  }
}

/** Family, type, index, flags and which of them are meant. */
function head(index: number, mask = 0, flags = 0): Buffer {
  const bytes = Buffer.alloc(HEAD);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(mask, 12);
  return bytes;
}

function readLink(content: Buffer): Link {
  const attributes = content.subarray(HEAD);
  const flags = content.readUInt32LE(8);
  const info = findAttribute(attributes, IFLA_LINKINFO);
  const kind = info && findAttribute(info, IFLA_INFO_KIND);
  const alias = findAttribute(attributes, IFLA_IFALIAS);
  const master = findAttribute(attributes, IFLA_MASTER);
  return {
    index: content.readInt32LE(4),
    name: readText(findAttribute(attributes, IFLA_IFNAME) ?? Buffer.alloc(0)),
    mac: (findAttribute(attributes, IFLA_ADDRESS)?.toString('hex').match(/../g) ?? []).join(':'),
    ...(kind !== undefined && { kind: readText(kind) }),
    isUp: (flags & IFF_UP) !== 0,
    isLoopback: (flags & IFF_LOOPBACK) !== 0,
    isEthernet: content.readUInt16LE(2) === ARPHRD_ETHER,
    mtu: findAttribute(attributes, IFLA_MTU)?.readUInt32LE(0) ?? 0,
    ...(master !== undefined && { master: master.readUInt32LE(0) }),
    ...(alias !== undefined && { alias: readText(alias) }),
  };
}
