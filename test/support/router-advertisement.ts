import koffi from 'koffi';

/*
 * Plays a router: `router-advertisement.ts LINK` tells all nodes on that link, once, to send what they know no other
 * way to the link's own address (RFC 4861, 4.2). Ends with status 1 while the link has no address to say it from.
 */
const libc = koffi.load('libc.so.6');
const socket: (domain: number, type: number, protocol: number) => number =
  libc.func('int socket(int, int, int)');
const setsockopt: (fd: number, level: number, name: number, value: Buffer, length: number) => number =
  libc.func('int setsockopt(int, int, int, void *, unsigned int)');
const sendto: (
  fd: number,
  data: Buffer,
  length: number,
  flags: number,
  address: Buffer,
  size: number,
) => number = libc.func('long sendto(int, void *, size_t, int, void *, unsigned int)');
const indexOf: (name: string) => number = libc.func('unsigned int if_nametoindex(const char *)');

const AF_INET6 = 10;
const SOCK_RAW = 3;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_HOPS = 18;
const ROUTER_ADVERTISEMENT = 134;
const LIFETIME_SEC = 1_800;

const fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
// From further away it is not listened to.
const hops = Buffer.alloc(4);
hops.writeInt32LE(255);
setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops, hops.length);

// Type, code, checksum (the kernel's), hop limit, flags, lifetime, two timers that say nothing.
const message = Buffer.alloc(16);
message.writeUInt8(ROUTER_ADVERTISEMENT, 0);
message.writeUInt8(64, 4);
message.writeUInt16BE(LIFETIME_SEC, 6);

// struct sockaddr_in6 of ff02::1, all nodes.
const everybody = Buffer.alloc(28);
everybody.writeUInt16LE(AF_INET6, 0);
everybody.writeUInt16BE(0xff02, 8);
everybody.writeUInt8(1, 23);
everybody.writeUInt32LE(indexOf(process.argv[2] ?? ''), 24);

process.exitCode = sendto(fd, message, message.length, 0, everybody, everybody.length) < 0 ? 1 : 0;
