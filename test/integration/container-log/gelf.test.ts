import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { gunzipSync, inflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { LogStage } from './log-stage.ts';

/** A GELF input over UDP: joins chunks and unpacks (the GELF payload specification). */
class GelfInput implements AsyncDisposable {
  readonly messages: Record<string, unknown>[] = [];
  readonly datagramBytes: number[] = [];
  readonly #chunks = new Map<string, Buffer[]>();
  readonly #socket: Socket = createSocket('udp4');

  static async start(): Promise<GelfInput> {
    const input = new GelfInput();
    input.#socket.bind(0, '127.0.0.1');
    await once(input.#socket, 'listening');
    input.#socket.on('message', (datagram) => input.#take(datagram));
    return input;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
  }

  #take(datagram: Buffer): void {
    this.datagramBytes.push(datagram.length);
    if (datagram.readUInt16BE(0) !== 0x1e0f) {
      this.#unpack(datagram);
      return;
    }
    const id = datagram.toString('hex', 2, 10);
    const [index = 0, count = 0] = datagram.subarray(10, 12);
    const chunks = this.#chunks.get(id) ?? [];
    chunks[index] = datagram.subarray(12);
    this.#chunks.set(id, chunks);
    if (chunks.filter((chunk) => chunk !== undefined).length === count) this.#unpack(Buffer.concat(chunks));
  }

  #unpack(bytes: Buffer): void {
    const plain = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes[0] === 0x78 ? inflateSync(bytes) : bytes;
    this.messages.push(JSON.parse(plain.toString()));
  }
}

let stage: LogStage;
beforeAll(async () => {
  stage = await LogStage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const open = async (name: string, address: string, options: Readonly<Record<string, string>> = {}) =>
  await stage.prepare(
    name,
    { 'gelf-address': address, ...options },
    { driver: 'gelf', labels: { team: 'a' } },
  );

test('messages have the fields of GELF 1.1 and of the container; empty lines are none (LOG-46)', async () => {
  await using input = await GelfInput.start();
  const fifos = await open('fields', `udp://127.0.0.1:${input.port}`, { labels: 'team' });
  await stage.run(fifos, 'echo out; echo; echo err >&2');
  await stage.finish(fifos.id);
  await until(() => input.messages.length === 2, { what: 'both arrive' });
  expect(input.messages).toContainEqual({
    version: '1.1',
    host: expect.any(String),
    short_message: 'err',
    timestamp: expect.any(Number),
    level: 3,
    _container_id: fifos.id,
    _container_name: 'ecs-web-3-fields',
    _image_id: 'sha256:0f1e2d',
    _image_name: 'busybox:1',
    _command: 'sh',
    _tag: fifos.id.slice(0, 12),
    _created: '2026-01-01T00:00:00Z',
    _team: 'a',
  });
  expect(input.messages.map(({ level }) => level).sort()).toEqual([3, 6]);
});

test.each(['gzip', 'zlib', 'none'])(
  'datagrams hold 1420 bytes at most, packed by %s (LOG-128)',
  async (type) => {
    await using input = await GelfInput.start();
    const fifos = await open(`chunks-${type}`, `udp://127.0.0.1:${input.port}`, {
      'gelf-compression-type': type,
    });
    await stage.run(
      fifos,
      'busybox dd if=/dev/urandom bs=6000 count=1 2>/dev/null | busybox base64 -w 0; echo',
    );
    await stage.finish(fifos.id);
    await until(() => input.messages.length === 1, { what: 'it arrives' });
    expect(String(input.messages[0]?.short_message)).toHaveLength(8000);
    expect(input.datagramBytes.length).toBeGreaterThan(4);
    expect(Math.max(...input.datagramBytes)).toBe(1420);
  },
);

test('messages end with NUL over TCP, not packed (LOG-129)', async () => {
  let received = '';
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      received += data.toString();
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fifos = await open('tcp', `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await stage.run(fifos, 'echo 1; echo 2');
  await stage.finish(fifos.id);
  await until(() => received.endsWith('}\0') && received.includes('"short_message":"2"'), {
    what: 'both arrive',
  });
  expect(
    received
      .split('\0')
      .slice(0, -1)
      .map((text) => JSON.parse(text).short_message),
  ).toEqual(['1', '2']);
  server.close();
});

test.each([
  [{ 'gelf-address': '' }, 'gelf-address is a required parameter'],
  [
    { 'gelf-compression-level': '3', 'gelf-address': 'tcp://127.0.0.1:1' },
    'gelf-compression-level option is only supported with UDP',
  ],
  [{ 'gelf-tcp-max-reconnect': '3' }, 'gelf-tcp-max-reconnect option is only supported with TCP'],
])('%j is refused when the container is made (LOG-130)', async (options, message) => {
  await expect(open('refused', 'udp://127.0.0.1:1', options as Record<string, string>)).rejects.toMatchObject(
    {
      code: 'CannotCreateContainerError',
      message,
    },
  );
});
