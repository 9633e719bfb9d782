import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ContainerdApi } from '../../../../src/runtime/containerd/api.ts';
import { ContainerdClient } from '../../../../src/runtime/containerd/client.ts';
import { ContainerdError } from '../../../../src/runtime/containerd/containerd-error.ts';

type Handler = (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) => void;

describe('client of containerd', () => {
  const { signal } = new AbortController();
  const directory = mkdtempSync(join(tmpdir(), 'ecs-client-'));
  const address = join(directory, 'c.sock');
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  let handler: Handler = () => undefined;
  let client: ContainerdClient;

  beforeAll(async () => {
    const { path } = new ContainerdApi().method('containers', 'List');
    const bytes = (value: Buffer) => value;
    const List = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    server.addService({ List }, { List: ((call, answer) => handler(call, answer)) as Handler });
    await new Promise<void>((resolve) => {
      server.bindAsync(`unix://${address}`, ServerCredentials.createInsecure(), () => resolve());
    });
    client = new ContainerdClient({ address, namespace: 'ecs' });
  });
  afterEach(() => {
    handler = () => undefined;
  });
  afterAll(() => {
    client.close();
    server.forceShutdown();
    rmSync(directory, { recursive: true });
  });

  const list = (options: { signal?: AbortSignal; timeoutMs?: number; lease?: string } = {}) =>
    client.unary('containers', 'List', {}, { signal, ...options });

  it('sends namespace, lease and a plain authority (CTD-1)', async () => {
    let seen: readonly unknown[] = [];
    handler = (call, answer) => {
      seen = [
        call.metadata.get('containerd-namespace'),
        call.metadata.get('containerd-lease'),
        call.getHost(),
      ];
      answer(null, Buffer.alloc(0));
    };
    await list({ lease: 'held' });
    expect(seen).toEqual([['ecs'], ['held'], 'localhost']);
    await list();
    expect(seen).toEqual([['ecs'], [], 'localhost']);
  });

  it('takes answers of up to 16 MiB, and no larger ones (CTD-38)', async () => {
    // ContainerList { containers { id: text } }
    const answerOf = (size: number) => {
      const varint = (value: number): number[] =>
        value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
      const id = [0x0a, ...varint(size)];
      return Buffer.concat([
        Buffer.from([0x0a, ...varint(id.length + size), ...id]),
        Buffer.alloc(size, 'x'),
      ]);
    };
    handler = (_call, answer) => answer(null, answerOf(16 * 1024 * 1024 - 100));
    expect((await list()).containers[0]?.id).toHaveLength(16 * 1024 * 1024 - 100);
    handler = (_call, answer) => answer(null, answerOf(16 * 1024 * 1024 + 100));
    await expect(list()).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  });

  it('gives up at the deadline (CTD-37)', async () => {
    await expect(list({ timeoutMs: 50 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      method: '/containerd.services.containers.v1.Containers/List',
    });
  });

  it('rejects with the reason of the signal that ends a call', async () => {
    const controller = new AbortController();
    const reason = new Error('gone');
    handler = () => controller.abort(reason);
    await expect(list({ signal: controller.signal })).rejects.toBe(reason);
    await expect(list({ signal: controller.signal })).rejects.toBe(reason);
  });

  it("names containerd's codes, and what it does not have at all (CTD-39)", async () => {
    handler = (_call, answer) => answer({ code: status.NOT_FOUND, details: 'no such thing' });
    const error: unknown = await list().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ContainerdError);
    expect(error).toMatchObject({
      code: 'NOT_FOUND',
      details: 'no such thing',
      message: 'containerd Containers/List: NOT_FOUND: no such thing',
    });
    await expect(client.unary('images', 'List', {}, { signal })).rejects.toMatchObject({
      code: 'UNIMPLEMENTED',
    });
  });

  it('says UNAVAILABLE where nobody listens', async () => {
    const lonely = new ContainerdClient({ address: join(directory, 'none.sock'), namespace: 'ecs' });
    await expect(lonely.unary('version', 'Version', {}, { signal })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    lonely.close();
  });
});
