import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const socketCall: (domain: number, type: number, protocol: number) => number =
  libc.func('int socket(int, int, int)');
const sendCall: (fd: number, message: Buffer, length: number, flags: number) => number = libc.func(
  'int64_t send(int, void *, size_t, int)',
);
const recvCall: (fd: number, buffer: Buffer, length: number, flags: number) => number = libc.func(
  'int64_t recv(int, void *, size_t, int)',
);
const closeCall: (fd: number) => number = libc.func('int close(int)');

const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 0o2_000_003;
const NETLINK_ROUTE = 0;
const NETLINK_NETFILTER = 12;
const HEADER = 16;
/** Size of struct nfgenmsg. */
const NFGENMSG = 4;
const ATTRIBUTE_HEADER = 4;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 0x1;
const NLM_F_REQUEST_ACK = 0x5;
const NLM_F_REQUEST_DUMP = 0x301;
const TYPE_MASK = 0x3fff;
const NESTED = 0x8000;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFNL_BATCH_GENID = 1;
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;
/** Not an error that programs ever see otherwise: libuv has no name for it. */
const ERESTART = 85;
const MSG_DONTWAIT = 0x40;
/** The kernel fills at most this much at a time. One for all: no conversation yields. */
const answers = Buffer.alloc(64 * 1024);

/** The kernel refused a request about links, addresses, routes or rules; `code` is the errno's name. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  readonly code: string;

  constructor(what: string, errno: number) {
    const code = errno === ERESTART ? 'ERESTART' : getSystemErrorName(-errno);
    super(`${what} failed: ${code}`);
    this.code = code;
  }
}

export interface NetlinkRequest {
  /** Completes "… failed". */
  readonly what: string;
  /** RTM_NEWLINK and the like. */
  readonly type: number;
  /** NLM_F_CREATE and the like; request and acknowledgement are there in any case. */
  readonly flags?: number;
  readonly body: Buffer;
}

/**
 * Makes one change in the network namespace that the thread is in, without yielding (rtnetlink(7)). Throws
 * `NetlinkError`.
 */
export function changeHere({ what, type, flags = 0, body }: NetlinkRequest): void {
  converse(what, NETLINK_ROUTE, message(type, NLM_F_REQUEST_ACK | flags, body), () => {});
}

/** All messages of a dump in the thread's network namespace, without their headers; never yields. */
export function dumpHere({ what, type, body }: NetlinkRequest): readonly Buffer[] {
  const found: Buffer[] = [];
  converse(what, NETLINK_ROUTE, message(type, NLM_F_REQUEST_DUMP, body), (content) =>
    found.push(Buffer.from(content)),
  );
  return found;
}

/** One step of a transaction on nftables. */
export interface FilterStep {
  /** NFT_MSG_NEWTABLE and the like. */
  readonly type: number;
  /** Of the table; default `ip`. */
  readonly family?: 'ip' | 'ip6';
  /** NLM_F_CREATE and the like; request and acknowledgement are there in any case. */
  readonly flags?: number;
  /** Attributes. */
  readonly body: Buffer;
}

/**
 * Changes nftables in the network namespace that the thread is in, by one transaction, without yielding. With
 * `generation` only if nothing has been changed since by anybody, else with code ERESTART. Throws `NetlinkError`; then
 * nothing has changed.
 */
export function changeFilterHere(
  what: string,
  steps: readonly FilterStep[],
  { generation }: { readonly generation?: number } = {},
): void {
  const batch = netfilterHead(AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  const begin =
    generation === undefined
      ? batch
      : Buffer.concat([batch, attribute(NFNL_BATCH_GENID, uint32BigEndian(generation))]);
  const request = Buffer.concat([
    message(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, begin),
    ...steps.map(({ type, family, flags = 0, body }) =>
      message(
        (NFNL_SUBSYS_NFTABLES << 8) | type,
        NLM_F_REQUEST_ACK | flags,
        Buffer.concat([netfilterHead(family === 'ip6' ? AF_INET6 : AF_INET, 0), body]),
      ),
    ),
    message(NFNL_MSG_BATCH_END, NLM_F_REQUEST, batch),
  ]);
  const socket = check(what, socketCall(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER));
  try {
    check(what, sendCall(socket, request, request.length, 0));
    // All answers are there when the request has been sent.
    for (let left = steps.length; left > 0; left -= 1)
      readAnswer(
        what,
        answers.subarray(0, check(what, recvCall(socket, answers, answers.length, MSG_DONTWAIT))),
        () => {},
      );
  } finally {
    closeCall(socket);
  }
}

/**
 * The number that every transaction on nftables in the thread's network namespace raises by one, whoever makes it; never
 * yields. Throws `NetlinkError`, also where the kernel has no nftables.
 */
export function filterGenerationHere(): number {
  const what = 'asking for the generation of nftables';
  const request = message(
    (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN,
    NLM_F_REQUEST_ACK,
    netfilterHead(AF_UNSPEC, 0),
  );
  let generation: number | undefined;
  converse(what, NETLINK_NETFILTER, request, (content) => {
    generation = findAttribute(content.subarray(NFGENMSG), NFTA_GEN_ID)?.readUInt32BE(0);
  });
  if (generation === undefined) throw new Error(`${what}: the kernel's answer has none`);
  return generation;
}

/** The generation after one more transaction: 32 bits, and never 0. */
export function nextGeneration(generation: number): number {
  return generation === 0xffff_ffff ? 1 : generation + 1;
}

/** struct nfgenmsg. */
function netfilterHead(family: number, resource: number): Buffer {
  const head = Buffer.alloc(NFGENMSG);
  head.writeUInt8(family, 0);
  head.writeUInt16BE(resource, 2);
  return head;
}

/** One attribute, padded. */
export function attribute(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(ATTRIBUTE_HEADER);
  head.writeUInt16LE(ATTRIBUTE_HEADER + content.length, 0);
  head.writeUInt16LE(type, 2);
  return Buffer.concat([head, content, Buffer.alloc(align(content.length) - content.length)]);
}

/** An attribute made of attributes. */
export function nestedAttribute(type: number, ...content: readonly Buffer[]): Buffer {
  return attribute(type | NESTED, Buffer.concat(content));
}

/** The content of the first attribute of that type. */
export function findAttribute(attributes: Buffer, type: number): Buffer | undefined {
  for (let at = 0; at + ATTRIBUTE_HEADER <= attributes.length; ) {
    const length = attributes.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER) return undefined;
    if ((attributes.readUInt16LE(at + 2) & TYPE_MASK) === type)
      return attributes.subarray(at + ATTRIBUTE_HEADER, at + length);
    at += align(length);
  }
  return undefined;
}

/** A text as the kernel wants it, with its final zero. */
export function textOf(value: string): Buffer {
  return Buffer.from(`${value}\0`, 'utf8');
}

/** The text of an attribute. */
export function readText(content: Buffer): string {
  return content.toString('utf8').replace(/\0.*$/s, '');
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value, 0);
  return bytes;
}

/** As nftables has its numbers, and networks theirs. */
export function uint32BigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0, 0);
  return bytes;
}

export function uint16BigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value, 0);
  return bytes;
}

function converse(what: string, protocol: number, request: Buffer, take: (content: Buffer) => void): void {
  const socket = check(what, socketCall(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol));
  try {
    check(what, sendCall(socket, request, request.length, 0));
    while (
      !readAnswer(what, answers.subarray(0, check(what, recvCall(socket, answers, answers.length, 0))), take)
    );
  } finally {
    closeCall(socket);
  }
}

/** Whether the answer is complete. */
function readAnswer(what: string, answer: Buffer, take: (content: Buffer) => void): boolean {
  for (let at = 0; at + HEADER <= answer.length; ) {
    const length = answer.readUInt32LE(at);
    const type = answer.readUInt16LE(at + 4);
    if (type === NLMSG_DONE) return true;
    if (type === NLMSG_ERROR) {
      const errno = -answer.readInt32LE(at + HEADER);
      if (errno === 0) return true;
      throw new NetlinkError(what, errno);
    }
    take(answer.subarray(at + HEADER, at + length));
    at += align(length);
  }
  return false;
}

function message(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(HEADER);
  head.writeUInt32LE(HEADER + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags, 6);
  return Buffer.concat([head, body]);
}

function align(length: number): number {
  return (length + 3) & ~3;
}

function check(what: string, result: number): number {
  if (result < 0) throw new NetlinkError(what, koffi.errno());
  return result;
}
