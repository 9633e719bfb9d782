import { networkInterfaces } from 'node:os';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const socketCall: (domain: number, type: number, protocol: number) => number =
  libc.func('int socket(int, int, int)');
const sendCall: (fd: number, message: Buffer, length: number, flags: number) => number = libc.func(
  'int64_t send(int, void *, size_t, int)',
);
const recv = libc.func('int64_t recv(int, void *, size_t, int)');
const closeCall: (fd: number) => number = libc.func('int close(int)');

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 0o2_000_003;
const NETLINK_NETFILTER = 12;
const HEADER = 16;
/** struct nfgenmsg: family, version, resource. */
const FAMILY_HEADER = 4;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const CT_GET = 0x101;
const CT_DELETE = 0x102;
const NLM_F_REQUEST_ACK = 0x5;
const NLM_F_REQUEST_DUMP = 0x301;
const TYPE_MASK = 0x3fff;
const ORIGINAL = 1;
const IP = 1;
const PROTOCOL = 2;
const PROTOCOL_NUMBER = 1;
const DESTINATION_PORT = 3;
const IPPROTO_UDP = 17;
const ENOENT = 2;
/** The kernel fills at most this much at a time. */
const BUFFER_SIZE = 64 * 1024;

/**
 * Makes the kernel forget where it sends the datagrams that come to these ports of the host. Address translation
 * is decided with the first datagram of a flow and kept while more follow: a client that never pauses would go
 * on missing a container that has just come, or reaching for one that is gone. Needs nfnetlink; a kernel without
 * connection tracking rejects with its errno's name.
 */
export async function forgetUdpFlows(ports: ReadonlySet<number>): Promise<void> {
  const own = new Set(
    Object.values(networkInterfaces())
      .flat()
      .map((address) => addressKey(address?.address ?? '')),
  );
  for (const family of [AF_INET, AF_INET6]) {
    const socket = check(socketCall(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER));
    try {
      const flows: Buffer[] = [];
      send(socket, message(CT_GET, NLM_F_REQUEST_DUMP, family));
      for await (const flow of answers(socket)) {
        const original = attribute(flow.subarray(HEADER + FAMILY_HEADER), ORIGINAL);
        if (original !== undefined && leadsTo(original, family, ports, own))
          flows.push(Buffer.from(original));
      }
      for (const original of flows) await forget(socket, family, original);
    } finally {
      closeCall(socket);
    }
  }
}

/** One that has ended by itself meanwhile is forgotten already. */
async function forget(socket: number, family: number, original: Buffer): Promise<void> {
  send(socket, message(CT_DELETE, NLM_F_REQUEST_ACK, family, nested(ORIGINAL, original)));
  for await (const _ of answers(socket, ENOENT)) {
    // Nothing but the acknowledgement comes.
  }
}

function leadsTo(
  original: Buffer,
  family: number,
  ports: ReadonlySet<number>,
  own: ReadonlySet<string>,
): boolean {
  const protocol = attribute(original, PROTOCOL);
  const address = attribute(attribute(original, IP) ?? EMPTY, family === AF_INET ? 2 : 4);
  if (protocol === undefined || address === undefined) return false;
  return (
    attribute(protocol, PROTOCOL_NUMBER)?.[0] === IPPROTO_UDP &&
    ports.has(attribute(protocol, DESTINATION_PORT)?.readUInt16BE(0) ?? 0) &&
    own.has(address.toString('hex'))
  );
}

const EMPTY = Buffer.alloc(0);

/** Messages up to the end of an answer; rejects with an error that the kernel tells, but for `tolerated`. */
async function* answers(socket: number, tolerated = 0): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(BUFFER_SIZE);
  for (;;) {
    const size = check(await receive(socket, buffer));
    for (let at = 0; at + HEADER <= size; ) {
      const length = buffer.readUInt32LE(at);
      const type = buffer.readUInt16LE(at + 4);
      if (type === NLMSG_DONE) return;
      if (type === NLMSG_ERROR) {
        const errno = -buffer.readInt32LE(at + HEADER);
        if (errno === 0 || errno === tolerated) return;
        throw trackingError(errno);
      }
      yield buffer.subarray(at, at + length);
      at += align(length);
    }
  }
}

/** On a thread of the pool: the kernel takes a while for a large table. */
async function receive(socket: number, buffer: Buffer): Promise<number> {
  return await new Promise((resolve, reject) => {
    recv.async(socket, buffer, buffer.length, 0, (error: unknown, size: number) =>
      error ? reject(error) : resolve(size),
    );
  });
}

function send(socket: number, bytes: Buffer): void {
  check(sendCall(socket, bytes, bytes.length, 0));
}

function message(type: number, flags: number, family: number, body: Buffer = EMPTY): Buffer {
  const head = Buffer.alloc(HEADER + FAMILY_HEADER);
  head.writeUInt32LE(head.length + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags, 6);
  head[HEADER] = family;
  return Buffer.concat([head, body]);
}

function nested(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(4 + content.length, 0);
  head.writeUInt16LE(type | 0x8000, 2);
  return Buffer.concat([head, content, Buffer.alloc(align(content.length) - content.length)]);
}

/** The content of the first attribute of that type. */
function attribute(attributes: Buffer, type: number): Buffer | undefined {
  for (let at = 0; at + 4 <= attributes.length; ) {
    const length = attributes.readUInt16LE(at);
    if (length < 4) return undefined;
    if ((attributes.readUInt16LE(at + 2) & TYPE_MASK) === type)
      return attributes.subarray(at + 4, at + length);
    at += align(length);
  }
  return undefined;
}

/** The address as the kernel has it, in hex. */
function addressKey(address: string): string {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number)).toString('hex');
  const [head = '', tail] = address.split('::');
  const words = (text: string) => (text === '' ? [] : text.split(':'));
  const left = words(head);
  const right = words(tail ?? '');
  const zeros = Array(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((word) => word.padStart(4, '0')).join('');
}

function align(length: number): number {
  return (length + 3) & ~3;
}

function check(result: number): number {
  if (result < 0) throw trackingError(koffi.errno());
  return result;
}

function trackingError(errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`connection tracking cannot be asked: ${code}`), { code });
}
