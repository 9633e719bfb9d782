import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const socketCall: (domain: number, type: number, protocol: number) => number =
  libc.func('int socket(int, int, int)');
const bindCall: (fd: number, address: Buffer, length: number) => number = libc.func(
  'int bind(int, void *, unsigned int)',
);
const listenCall: (fd: number, backlog: number) => number = libc.func('int listen(int, int)');
const setsockoptCall: (fd: number, level: number, name: number, value: Buffer, length: number) => number =
  libc.func('int setsockopt(int, int, int, void *, unsigned int)');
const sendCall: (fd: number, data: Buffer, length: number, flags: number) => number = libc.func(
  'long send(int, void *, size_t, int)',
);
const recvCall: (fd: number, data: Buffer, length: number, flags: number) => number = libc.func(
  'long recv(int, _Out_ void *, size_t, int)',
);
const closeCall: (fd: number) => number = libc.func('int close(int)');

const AF_INET = 2;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2_000_000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_BINDTODEVICE = 25;
const BACKLOG = 128;
/** Index of `lo` in every network namespace. */
const LOOPBACK_INDEX = 1;
const NETLINK_ROUTE = 0;
const RTM_NEWADDR = 20;
const NLMSG_ERROR = 2;
/** NLM_F_REQUEST, NLM_F_ACK, NLM_F_REPLACE and NLM_F_CREATE: the address is there afterwards, also if it was before. */
const NLM_FLAGS = 0x1 | 0x4 | 0x100 | 0x400;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;

/** A call failed; `code` is the errno's name. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
  readonly code: string;

  constructor(what: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${what} failed: ${code}`);
    this.code = code;
  }
}

/**
 * Opens a listening socket in the network namespace that the thread is in, without yielding. It hears what comes
 * by that link alone, so that who leads packets for that address here by another one is refused. Gives its file
 * descriptor, which belongs to the caller (`server.listen({ fd })`).
 */
export function listenHere(address: string, port: number, link: string): number {
  const what = `listening on ${address}:${port} of ${link}`;
  const fd = check(socketCall(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), what);
  try {
    const on = Buffer.alloc(4);
    on.writeInt32LE(1);
    check(setsockoptCall(fd, SOL_SOCKET, SO_REUSEADDR, on, on.length), what);
    const device = Buffer.from(`${link}\0`);
    check(setsockoptCall(fd, SOL_SOCKET, SO_BINDTODEVICE, device, device.length), what);
    const sockaddr = Buffer.alloc(16);
    sockaddr.writeUInt16LE(AF_INET, 0);
    sockaddr.writeUInt16BE(port, 2);
    octets(address).copy(sockaddr, 4);
    check(bindCall(fd, sockaddr, sockaddr.length), what);
    check(listenCall(fd, BACKLOG), what);
    return fd;
  } catch (error) {
    closeCall(fd);
    throw error;
  }
}

/** Gives `lo` of the thread's network namespace one more address, without yielding (rtnetlink(7)). */
export function addLoopbackAddress(address: string): void {
  const what = `adding ${address} to lo`;
  const fd = check(socketCall(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), what);
  try {
    const message = newAddressMessage(octets(address));
    check(sendCall(fd, message, message.length, 0), what);
    const answer = Buffer.alloc(256);
    check(recvCall(fd, answer, answer.length, 0), what);
    // struct nlmsghdr, then the error of struct nlmsgerr, 0 for an acknowledgement.
    const errno = answer.readUInt16LE(4) === NLMSG_ERROR ? -answer.readInt32LE(16) : 0;
    if (errno !== 0) throw new SocketError(what, errno);
  } finally {
    closeCall(fd);
  }
}

/** struct nlmsghdr, struct ifaddrmsg, then the address twice, as address and as local end. */
function newAddressMessage(address: Buffer): Buffer {
  const message = Buffer.alloc(40);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(RTM_NEWADDR, 4);
  message.writeUInt16LE(NLM_FLAGS, 6);
  message.writeUInt32LE(1, 8);
  message.writeUInt8(AF_INET, 16);
  message.writeUInt8(32, 17);
  message.writeUInt32LE(LOOPBACK_INDEX, 20);
  for (const [at, type] of [
    [24, IFA_LOCAL],
    [32, IFA_ADDRESS],
  ] as const) {
    message.writeUInt16LE(8, at);
    message.writeUInt16LE(type, at + 2);
    address.copy(message, at + 4);
  }
  return message;
}

function octets(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function check(result: number, what: string): number {
  if (result < 0) throw new SocketError(what, koffi.errno());
  return result;
}
