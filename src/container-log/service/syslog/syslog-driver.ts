import { existsSync, readFileSync } from 'node:fs';
import { UnixDatagramSocket } from '../../../host/unix-datagram.ts';
import type { DriverContext, LogDriver } from '../driver.ts';
import { RemoteDriver } from '../remote-driver.ts';
import { datagramTransport, streamTransport, type Transport, TransportDestination } from '../transport.ts';
import { UdpSender } from '../udp-sender.ts';
import { appendSyslogLine, type SyslogLineOptions } from './syslog-line.ts';
import { parseSyslogOptions, type SyslogOptions } from './syslog-options.ts';

const LOCAL_SOCKETS = ['/dev/log', '/var/run/syslog', '/var/run/log'];

/** Sets up the driver `syslog` (logging.md §18). */
export async function openSyslogDriver(context: DriverContext): Promise<LogDriver> {
  const options = parseSyslogOptions(context.config.options);
  const { format, facility, address } = options;
  const line: SyslogLineOptions = {
    format,
    facility,
    hostname: context.config.hostname,
    tag: context.config.tag ?? '',
    pid: process.pid,
    framed: address.kind === 'tcp+tls' && format.startsWith('rfc5424'),
  };
  const destination = new TransportDestination(openTransport(options), (message, out) =>
    appendSyslogLine(message, out, line),
  );
  return await RemoteDriver.open(context, destination);
}

function openTransport({ address, tls }: SyslogOptions): Transport {
  switch (address.kind) {
    case 'local': {
      const path = LOCAL_SOCKETS.find((candidate) => existsSync(candidate));
      if (path === undefined) throw new Error('Unix syslog delivery error');
      return datagramTransport(new UnixDatagramSocket(path));
    }
    case 'unixgram':
      return datagramTransport(new UnixDatagramSocket(address.path));
    case 'unix':
      return streamTransport({ kind: 'unix', path: address.path });
    case 'udp':
      return datagramTransport(new UdpSender(address.host, address.port));
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
