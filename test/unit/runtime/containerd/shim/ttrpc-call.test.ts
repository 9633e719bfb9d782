import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ContainerdApi } from '../../../../../src/runtime/containerd/api.ts';
import { callTtrpc, TtrpcStatusError } from '../../../../../src/runtime/containerd/shim/ttrpc-call.ts';
import { makeScratch } from '../../../../support/scratch.ts';

const api = new ContainerdApi();
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A server that does what it is told with the first bytes that it gets. */
async function serverThat(answer: (socket: Socket, request: Buffer) => void): Promise<string> {
  const scratch = makeScratch();
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', (request) => answer(socket, Buffer.from(request)));
  });
  const path = scratch.path('shim.sock');
  server.listen(path);
  await once(server, 'listening');
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
    await scratch.remove();
  });
  return path;
}

function frame(streamId: number, type: number, payload: Buffer): Buffer {
  const header = Buffer.from('00000000000000000000', 'hex');
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt32BE(streamId, 4);
  header.writeUInt8(type, 8);
  return Buffer.concat([header, payload]);
}

async function call(socketPath: string, signal: AbortSignal = new AbortController().signal): Promise<Buffer> {
  return await callTtrpc(
    api,
    { socketPath, service: 's', method: 'M', payload: Buffer.from('p'), metadata: { k: 'v' } },
    signal,
  );
}

/** Response {payload 2: "ok"}. */
const OK = Buffer.from('12026f6b', 'hex');

describe('a ttrpc call', () => {
  it('is a frame of ten bytes and the request: service, method, payload, metadata', async () => {
    const seen = Promise.withResolvers<Buffer>();
    const path = await serverThat((socket, request) => {
      seen.resolve(request);
      socket.write(frame(1, 2, OK));
    });
    expect((await call(path)).toString()).toBe('ok');
    expect((await seen.promise).toString('hex')).toBe(
      '00000011000000010100' + '0a0173' + '12014d' + '1a0170' + '2a060a016b120176',
    );
  });

  it('reads an answer that comes byte by byte, behind frames that are not for it', async () => {
    const path = await serverThat((socket) => {
      const bytes = Buffer.concat([frame(3, 2, Buffer.from('xx')), frame(1, 3, OK), frame(1, 2, OK)]);
      for (const byte of bytes) socket.write(Buffer.of(byte));
    });
    expect((await call(path)).toString()).toBe('ok');
  });

  it('rejects with the status of a refusal', async () => {
    // Response {status 1: {code 1: 5, message 2: "gone"}}.
    const path = await serverThat((socket) =>
      socket.write(frame(1, 2, Buffer.from(`0a0808051204${Buffer.from('gone').toString('hex')}`, 'hex'))),
    );
    const error = await call(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TtrpcStatusError);
    expect(error).toMatchObject({ code: 5, message: 'gone' });
  });

  it('rejects when nobody listens, when the server hangs up and when it sends garbage', async () => {
    await expect(call('/nonexistent/shim.sock')).rejects.toThrow(/ENOENT/);
    await expect(call(await serverThat((socket) => socket.end()))).rejects.toThrow(/closed the connection/);
    const garbage = await serverThat((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(call(garbage)).rejects.toThrow(/no ttrpc/);
  });

  it('ends with its signal while the server thinks', async () => {
    const aborter = new AbortController();
    const path = await serverThat(() => aborter.abort(new Error('enough')));
    await expect(call(path, aborter.signal)).rejects.toThrow('enough');
  });
});
