import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rsyslog } from '../../support/rsyslog.ts';
import { until } from '../../support/until.ts';
import { LogStage } from './log-stage.ts';

let stage: LogStage;
let rsyslog: Rsyslog;
beforeAll(async () => {
  [stage, rsyslog] = await Promise.all([LogStage.open(), Rsyslog.start()]);
}, 40_000);
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
  await rsyslog?.[Symbol.asyncDispose]();
});

const open = async (tag: string, address: string, options: Readonly<Record<string, string>> = {}) =>
  await stage.prepare(tag, { 'syslog-address': address, tag, ...options }, { driver: 'syslog' });

describe('rsyslog gets', () => {
  const transports = [
    ['udp', () => `udp://127.0.0.1:${rsyslog.port}`],
    ['tcp', () => `tcp://127.0.0.1:${rsyslog.port}`],
    ['unixgram', () => `unixgram://${rsyslog.socket}`],
  ] as const;
  test.each(transports)(
    'both streams over %s, without empty lines (LOG-126, LOG-45)',
    async (name, address) => {
      const fifos = await open(`over-${name}`, address(), {
        'syslog-facility': 'local3',
        'syslog-format': 'rfc5424micro',
      });
      await stage.run(fifos, 'echo out; echo; echo err >&2');
      await stage.finish(fifos.id);
      const lines = await until(
        () => rsyslog.received(`over-${name}`).length === 2 && rsyslog.received(`over-${name}`),
        {
          what: 'both lines arrive',
        },
      );
      // local3 is 19: 19 · 8 + 6 and + 3.
      expect(lines.map(([pri, , , , text]) => [pri, text]).sort()).toEqual([
        ['155', 'err'],
        ['158', 'out'],
      ]);
    },
  );

  test.each(['', 'rfc3164', 'rfc5424', 'rfc5424micro'])(
    'lines that it understands in the format "%s" (LOG-124)',
    async (format) => {
      const tag = `format-${format || 'unix'}`;
      const fifos = await open(tag, `tcp://127.0.0.1:${rsyslog.port}`, {
        'syslog-format': format,
        'syslog-facility': '1',
      });
      await stage.run(fifos, 'echo hello world');
      await stage.finish(fifos.id);
      const [line] = await until(() => rsyslog.received(tag).length === 1 && rsyslog.received(tag), {
        what: 'it arrives',
      });
      const pid = String(await stage.servicePid());
      expect(line?.[0]).toBe('14');
      expect(line?.[3]).toBe(pid);
      expect(line?.[4]?.trim()).toBe('hello world');
    },
  );

  test('every line over tcp, though the service is killed', async () => {
    const fifos = await open('many', `tcp://127.0.0.1:${rsyslog.port}`);
    const writer = stage.write(fifos, 'busybox seq 1 100000');
    await until(() => rsyslog.received('many').length > 0, { what: 'the first lines arrive' });
    await stage.killService();
    await once(writer, 'exit');
    await stage.finish(fifos.id);
    // What the killed service had sent may be read after what the next one sends: on its own connection.
    let numbers: number[] = [];
    await until(
      () => {
        numbers = rsyslog.received('many').map((fields) => Number(fields[4]));
        return new Set(numbers).size === 100_000;
      },
      { what: 'every line has arrived', timeoutMs: 30_000, intervalMs: 250 },
    );
    // One batch of 256 KiB at most.
    expect(numbers.length - new Set(numbers).size).toBeLessThanOrEqual(8_000);
  });
});

test('lines in frames of their length go over TLS, to a certificate that is trusted (LOG-125, LOG-127)', async () => {
  const key = stage.scratch.path('key.pem');
  const cert = stage.scratch.path('cert.pem');
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    ].concat(['-keyout', key, '-out', cert]),
    { stdio: 'ignore' },
  );
  let received = '';
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
    socket.on('data', (data) => {
      received += data.toString();
    });
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  server.listen(0, 'localhost');
  await once(server, 'listening');
  try {
    const address = `tcp+tls://localhost:${(server.address() as AddressInfo).port}`;
    await expect(open('untrusted', address, { 'syslog-format': 'rfc5424' })).rejects.toThrow(
      /self-signed certificate/,
    );
    const trusted = await open('trusted', address, {
      'syslog-format': 'rfc5424',
      'syslog-tls-ca-cert': cert,
    });
    await stage.run(trusted, 'echo hello');
    await stage.finish(trusted.id);
    await until(() => received.endsWith('hello\n'), { what: 'the line arrives' });
    const [, length, frame] = /^(\d+) (<30>1 .* - hello\n)$/s.exec(received) ?? [];
    expect(Number(length)).toBe(frame?.length);
    const skipping = await open('skipping', address, { 'syslog-tls-skip-verify': 'false' });
    await stage.run(skipping, 'echo plain');
    await stage.finish(skipping.id);
    await until(() => received.endsWith('plain\n'), { what: 'the line arrives' });
    expect(received).toMatch(/<30>\w{3} [ \d]\d [\d:]{8} skipping\[\d+\]: plain\n$/);
  } finally {
    server.close();
  }
});
