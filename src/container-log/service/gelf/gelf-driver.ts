import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import { Backoff } from '../../../async/backoff.ts';
import type { DriverContext, LogDriver } from '../driver.ts';
import { RemoteDriver } from '../remote-driver.ts';
import { streamTransport, type Transport, TransportDestination } from '../transport.ts';
import { UdpSender } from '../udp-sender.ts';
import { appendGelfMessage, gelfChunks, gelfTail } from './gelf-message.ts';
import { type GelfOptions, parseGelfOptions } from './gelf-options.ts';

const NUL = '\0';
const compressors = { gzip: promisify(gzip), zlib: promisify(deflate) };

/** Sets up the driver `gelf` (logging.md §19). */
export async function openGelfDriver(context: DriverContext): Promise<LogDriver> {
  const options = parseGelfOptions(context.config.options);
  const tail = gelfTail(context.config);
  const destination =
    options.scheme === 'udp'
      ? new TransportDestination(compressedDatagrams(options), (message, out) =>
          appendGelfMessage(message, out, tail),
        )
      : gelfStream(options, tail);
  return await RemoteDriver.open(context, destination);
}

/** Messages as datagrams, in chunks where they are large. */
function compressedDatagrams({ host, port, compression, level }: GelfOptions): Transport {
  const udp = new UdpSender(host, port);
  const packed = async (message: Buffer) =>
    compression === 'none' ? message : await compressors[compression](message, { level });
  return {
    ready: () => udp.ready(),
    send: async (batch) => {
      let rejected = 0;
      for (let index = 0; index < batch.count; index++) {
        const chunks = gelfChunks(await packed(batch.messageAt(index)));
        if (chunks === undefined) rejected += 1;
        for (const chunk of chunks ?? []) await udp.send(chunk);
      }
      return { rejected, ...(rejected > 0 && { reason: 'a message takes more than 128 datagrams' }) };
    },
    close: () => udp.close(),
  };
}

/** Messages over TCP, each with a NUL behind it. */
function gelfStream(options: GelfOptions, tail: string): TransportDestination {
  const { host, port, reconnectDelayMs, maxReconnect } = options;
  // Docker gives a message up after so many tries; here it stays in the spool.
  const maxMs = reconnectDelayMs * maxReconnect;
  return new TransportDestination(
    streamTransport({ kind: 'tcp', host, port }),
    (message, out) => {
      if (message.bytes.length === 0) return;
      appendGelfMessage(message, out, tail);
      out.appendText(NUL);
    },
    { backoff: new Backoff({ minMs: reconnectDelayMs, maxMs, factor: 2, jitter: 0.2 }) },
  );
}
