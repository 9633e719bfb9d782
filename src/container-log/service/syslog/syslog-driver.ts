import { existsSync, readFileSync } from 'node:fs';
import { Backoff } from '../../../async/backoff.ts';
import { UnixDatagramSocket } from '../../../host/unix-datagram.ts';
import type { DriverContext, LogDriver } from '../driver.ts';
import { EncodedBatch } from '../encoded-batch.ts';
import { type Batch, type Destination, RemoteDriver } from '../remote-driver.ts';
import type { SendSlot } from '../send-slots.ts';
import { type StreamAddress, StreamConnection } from '../stream-connection.ts';
import { UdpSender } from '../udp-sender.ts';
import { appendSyslogLine, type SyslogLineOptions } from './syslog-line.ts';
import { parseSyslogOptions, type SyslogOptions } from './syslog-options.ts';

const BATCH_BYTES = 256 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 30_000;
const LOCAL_SOCKETS = ['/dev/log', '/var/run/syslog', '/var/run/log'];

/** Sets up the driver `syslog` (logging.md §18). */
export async function openSyslogDriver(context: DriverContext): Promise<LogDriver> {
  const options = parseSyslogOptions(context.config.options);
  return await RemoteDriver.open(context, new SyslogServer(context, options));
}

/** Sends a batch of whole lines. */
interface Transport {
  ready(signal: AbortSignal): Promise<void>;
  send(batch: EncodedBatch, signal: AbortSignal): Promise<void>;
  close(): void;
}

class SyslogServer implements Destination {
  readonly batchBytes = BATCH_BYTES;
  readonly flushIntervalMs = 0;
  readonly backoff = new Backoff({ minMs: 100, maxMs: 10_000, factor: 2, jitter: 0.2 });
  readonly #line: SyslogLineOptions;
  readonly #transport: Transport;

  constructor({ config }: DriverContext, options: SyslogOptions) {
    this.#line = {
      format: options.format,
      facility: options.facility,
      hostname: config.hostname,
      tag: config.tag ?? '',
      pid: process.pid,
      framed: options.address.kind === 'tcp+tls' && options.format.startsWith('rfc5424'),
    };
    this.#transport = openTransport(options);
  }

  async setUp(signal: AbortSignal): Promise<void> {
    await this.#transport.ready(signal);
  }

  openBatch(slot: SendSlot): Batch {
    return new EncodedBatch(slot, {
      encode: (message, out) => appendSyslogLine(message, out, this.#line),
      send: async (batch, signal) => {
        await this.#transport.send(batch, signal);
        return undefined;
      },
    });
  }

  close(): void {
    this.#transport.close();
  }
}

function openTransport({ address, tls }: SyslogOptions): Transport {
  switch (address.kind) {
    case 'local': {
      const path = LOCAL_SOCKETS.find((candidate) => existsSync(candidate));
      if (path === undefined) throw new Error('Unix syslog delivery error');
      return unixTransport(path);
    }
    case 'unixgram':
      return unixTransport(address.path);
    case 'unix':
      return streamTransport({ kind: 'unix', path: address.path });
    case 'udp': {
      const udp = new UdpSender(address.host, address.port);
      return {
        ready: () => udp.ready(),
        send: async (batch) => {
          for (let index = 0; index < batch.count; index++) await udp.send(batch.messageAt(index));
        },
        close: () => udp.close(),
      };
    }
    case 'tcp':
      return streamTransport({ kind: 'tcp', host: address.host, port: address.port });
    case 'tcp+tls': {
      const read = (name: 'ca' | 'cert' | 'key', path: string | undefined) =>
        path === undefined ? {} : { [name]: readFileSync(path, 'utf8') };
      return streamTransport({
        kind: 'tls',
        host: address.host,
        port: address.port,
        rejectUnauthorized: !tls.skipVerify,
        ...read('ca', tls.caFile),
        ...read('cert', tls.certFile),
        ...read('key', tls.keyFile),
      });
    }
  }
}

function streamTransport(address: StreamAddress): Transport {
  const connection = new StreamConnection(address, {
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    writeTimeoutMs: WRITE_TIMEOUT_MS,
  });
  return {
    ready: (signal) => connection.ready(signal),
    send: (batch, signal) => connection.write(batch.content, signal),
    close: () => connection.close(),
  };
}

function unixTransport(path: string): Transport {
  const socket = new UnixDatagramSocket(path);
  return {
    ready: async () => socket.ready(),
    send: async (batch, signal) => {
      for (let index = 0; index < batch.count; index++) await socket.send(batch.messageAt(index), signal);
    },
    close: () => socket.close(),
  };
}
