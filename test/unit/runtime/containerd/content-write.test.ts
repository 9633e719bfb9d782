import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ContainerdClient } from '../../../../src/runtime/containerd/client.ts';
import type { ContentWrite } from '../../../../src/runtime/containerd/content-write.ts';
import type { WriteRequest__Output } from '../../../../src/runtime/containerd/generated/containerd/services/content/v1/WriteRequest.ts';
import type { WriteResponse } from '../../../../src/runtime/containerd/generated/containerd/services/content/v1/WriteResponse.ts';
import { until } from '../../../support/until.ts';

type Write = ServerDuplexStream<WriteRequest__Output, WriteResponse>;

const MIB = 1 << 20;
const directory = mkdtempSync(join(tmpdir(), 'ecs-write-'));
const address = join(directory, 'c.sock');

/** A gRPC server that is not ours, so that both ends do not agree on the same mistake. */
const server = new Server();
let serve: (write: Write) => void;
let served: Write[] = [];
let client: ContainerdClient;
let calls: DisposableStack;

beforeAll(async () => {
  const definitions = loadSync('content.proto', {
    ...{ longs: String, enums: String, defaults: true },
    includeDirs: [join(import.meta.dirname, '../../../../proto')],
  });
  const content = definitions['containerd.services.content.v1.Content'];
  if (content === undefined || !('Write' in content)) throw new Error('proto/ has no Content.Write');
  const { Write } = content;
  if (Write === undefined) throw new Error('proto/ has no Content.Write');
  const handler = (write: Write) => {
    served.push(write);
    write.on('error', () => undefined);
    serve(write);
  };
  server.addService({ Write }, { Write: handler });
  await new Promise<void>((resolve) => {
    server.bindAsync(`unix://${address}`, ServerCredentials.createInsecure(), () => resolve());
  });
});
beforeEach(() => {
  client = new ContainerdClient({ address, namespace: 'ecs' });
  calls = new DisposableStack();
  served = [];
  serve = acknowledge;
});
afterEach(() => {
  calls.dispose();
  client.close();
});
afterAll(() => {
  server.forceShutdown();
  rmSync(directory, { recursive: true });
});

/** Answers each piece with the position behind it, and the commit with success. */
function acknowledge(write: Write): void {
  write.on('data', ({ action, offset, data }: WriteRequest__Output) => {
    write.write({ action, offset: Number(offset) + data.length });
    if (action === 'COMMIT') write.end();
  });
}

function open(signal = AbortSignal.timeout(10_000)): ContentWrite {
  return calls.use(client.writeContent({ signal, lease: 'held' }));
}

describe('a call that writes content', () => {
  it('goes in the namespace and under the lease (CTD-1)', async () => {
    const call = open();
    await call.send({ action: 'STAT', ref: 'r' });
    await call.receive();
    const metadata = served[0]?.metadata;
    expect([metadata?.get('containerd-namespace'), metadata?.get('containerd-lease')]).toEqual([
      ['ecs'],
      ['held'],
    ]);
    expect(served[0]?.getHost()).toBe('localhost');
  });

  it.each([1, 127, 128, 16_383, 16_384, MIB])('brings %i bytes, in one piece or several', async (length) => {
    const received: WriteRequest__Output[] = [];
    serve = (write) => {
      write.on('data', (message: WriteRequest__Output) => received.push(message));
      acknowledge(write);
    };
    const bytes = Buffer.alloc(length, 'content, ');
    const call = open();
    await call.write(5, [bytes]);
    await call.write(5 + length, [bytes.subarray(0, 1), bytes.subarray(1)]);
    expect((await call.receive())?.offset).toBe(String(5 + length));
    expect((await call.receive())?.offset).toBe(String(5 + 2 * length));
    for (const { action, data } of received) {
      expect(action).toBe('WRITE');
      expect(data.equals(bytes)).toBe(true);
    }
    expect(received.map(({ offset }) => Number(offset))).toEqual([5, 5 + length]);
  });

  it('ends with an answer after the last, and then says so', async () => {
    const call = open();
    await call.send({ action: 'COMMIT', offset: 7, labels: { a: 'b' } });
    expect(await call.receive()).toMatchObject({ action: 'COMMIT', offset: '7' });
    expect(await call.receive()).toBeUndefined();
  });

  it('does not take more than the other side does', async () => {
    serve = () => {};
    const call = open();
    let sent = 0;
    const sending = (async () => {
      for (; sent < 64; sent += 1) await call.write(sent * MIB, [Buffer.alloc(MIB)]);
    })();
    await until(() => sent > 0 || served.length > 0, { what: 'the call is there' });
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
    expect(sent).toBeLessThan(4);
    const [write] = served;
    if (write !== undefined) acknowledge(write);
    for (let answers = 0; answers < 64; answers += 1) await call.receive();
    await sending;
  });

  it("fails with containerd's code and words, whatever is being done with it (CTD-39)", async () => {
    serve = (write) => write.emit('error', { code: status.ALREADY_EXISTS, details: 'schon da: é, 100 %' });
    const failure = {
      code: 'ALREADY_EXISTS',
      details: 'schon da: é, 100 %',
      method: '/containerd.services.content.v1.Content/Write',
    };
    const call = open();
    await call.send({ action: 'STAT' });
    await expect(call.receive()).rejects.toMatchObject(failure);
    const other = open();
    const sending = async () => {
      for (let n = 0; n < 64; n += 1) await other.write(n * MIB, [Buffer.alloc(MIB)]);
      await other.receive();
    };
    await expect(sending()).rejects.toMatchObject(failure);
  });

  it('fails with the reason of its signal, and the other side is told', async () => {
    const controller = new AbortController();
    const call = open(controller.signal);
    await call.send({ action: 'STAT' });
    await call.receive();
    const reason = new Error('gone');
    const receiving = expect(call.receive()).rejects.toBe(reason);
    controller.abort(reason);
    await receiving;
    await until(() => served[0]?.cancelled === true, { what: 'the server sees the end of the call' });
    expect(() => open(controller.signal)).toThrow(reason);
  });

  it('that is given up lets go of what it held before it has ended', async () => {
    let hasEnded = false;
    serve = (write) => {
      acknowledge(write);
      write.on('end', () => {
        setTimeout(() => {
          hasEnded = true;
          write.end();
        }, 20);
      });
    };
    const call = open();
    await call.write(0, [Buffer.alloc(10)]);
    await call.finish();
    expect(hasEnded).toBe(true);
  });

  it('says UNAVAILABLE where nobody listens, and where the connection breaks off', async () => {
    const lonely = new ContainerdClient({ address: join(directory, 'none.sock'), namespace: 'ecs' });
    const signal = AbortSignal.timeout(10_000);
    const call = calls.use(lonely.writeContent({ signal }));
    const using = async () => {
      await call.send({ action: 'STAT' });
      await call.receive();
    };
    await expect(using()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    lonely.close();

    const rude = join(directory, 'rude.sock');
    const breaking = createServer((socket: Socket) => socket.once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => breaking.listen(rude, resolve));
    const broken = new ContainerdClient({ address: rude, namespace: 'ecs' });
    const other = calls.use(broken.writeContent({ signal }));
    await other.send({ action: 'STAT' });
    await expect(other.receive()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    broken.close();
    await new Promise((resolve) => breaking.close(resolve));
  });
});
