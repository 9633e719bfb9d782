import { closeSync, writeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { sleep } from '../async/deadline.ts';
import { SystemCallError } from './pipe-io.ts';

const libc = koffi.load('libc.so.6');
const socketCall: (domain: number, type: number, protocol: number) => number =
  libc.func('int socket(int, int, int)');
const connectCall: (fd: number, address: Buffer, length: number) => number = libc.func(
  'int connect(int, void *, unsigned int)',
);
const sendCall: (fd: number, data: Buffer, length: number, flags: number) => number = libc.func(
  'long send(int, void *, size_t, int)',
);
const memfdCall: (name: string, flags: number) => number = libc.func(
  'int memfd_create(const char *, unsigned int)',
);
const fcntlCall: (fd: number, command: number, value: number) => number =
  libc.func('int fcntl(int, int, int)');
const Iovec = koffi.struct({ base: 'void *', length: 'size_t' });
const Msghdr = koffi.struct({
  name: 'void *',
  nameLength: 'unsigned int',
  iov: koffi.pointer(Iovec),
  iovLength: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
});
const sendmsgCall = libc.func('sendmsg', 'long', ['int', koffi.pointer(Msghdr), 'int']);

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0o2_000_000 | 0o4_000;
const MSG_NOSIGNAL = 0x4000;
const MFD_CLOEXEC_SEALABLE = 1 | 2;
const F_ADD_SEALS = 1033;
/** Against writing, growing, shrinking and further seals. */
const ALL_SEALS = 0xf;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MAX_PATH_BYTES = 107;
const BUSY_PAUSE_MS = 5;

/**
 * Sends datagrams to a unix socket by its path (unix(7)), which Node cannot. A full receiver is waited for, one that
 * was restarted is connected to again.
 */
export class UnixDatagramSocket {
  readonly #path: string;
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Connects unless it is connected. Throws SystemCallError. */
  ready(): void {
    if (this.#fd !== undefined) return;
    const path = Buffer.from(this.#path);
    if (path.length > MAX_PATH_BYTES) throw new Error(`${this.#path} is too long for a unix socket`);
    const fd = socketCall(AF_UNIX, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
    if (fd < 0) throw new SystemCallError('socket', koffi.errno(), this.#path);
    const address = Buffer.alloc(2 + path.length + 1);
    address.writeUInt16LE(AF_UNIX, 0);
    path.copy(address, 2);
    if (connectCall(fd, address, address.length) !== 0) {
      const errno = koffi.errno();
      closeSync(fd);
      throw new SystemCallError('connect', errno, this.#path);
    }
    this.#fd = fd;
  }

  /** Resolves when the receiver's queue has it. Rejects with SystemCallError `EMSGSIZE` when it is too large. */
  async send(datagram: Buffer, signal: AbortSignal): Promise<void> {
    await this.#deliver((fd) => sendCall(fd, datagram, datagram.length, MSG_NOSIGNAL), signal);
  }

  /** Sends content in a sealed memfd, whose descriptor goes along with an empty datagram. */
  async sendInFile(content: Buffer, signal: AbortSignal): Promise<void> {
    const file = memfdCall('log-entry', MFD_CLOEXEC_SEALABLE);
    if (file < 0) throw new SystemCallError('memfd_create', koffi.errno(), this.#path);
    try {
      for (let at = 0; at < content.length; ) at += writeSync(file, content, at);
      if (fcntlCall(file, F_ADD_SEALS, ALL_SEALS) !== 0)
        throw new SystemCallError('fcntl F_ADD_SEALS', koffi.errno(), this.#path);
      await this.#deliver((fd) => sendDescriptor(fd, file), signal);
    } finally {
      closeSync(file);
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  async #deliver(send: (fd: number) => number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      this.ready();
      if (this.#fd === undefined) throw new Error('not connected');
      if (send(this.#fd) >= 0) return;
      const errno = koffi.errno();
      const code = getSystemErrorName(-errno);
      if (code !== 'EAGAIN') {
        if (code !== 'EMSGSIZE') this.close();
        throw new SystemCallError('send', errno, this.#path);
      }
      await sleep(BUSY_PAUSE_MS, signal);
    }
  }
}

function sendDescriptor(socket: number, descriptor: number): number {
  // struct cmsghdr and one descriptor, padded (cmsg(3)).
  const control = Buffer.alloc(24);
  control.writeBigUInt64LE(20n, 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(descriptor, 16);
  const message = {
    name: null,
    nameLength: 0,
    iov: null,
    iovLength: 0,
    control,
    controlLength: control.length,
    flags: 0,
  };
  return Number(sendmsgCall(socket, message, MSG_NOSIGNAL));
}
