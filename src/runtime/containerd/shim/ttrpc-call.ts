import { connect, type Socket } from 'node:net';
import type { ContainerdApi } from '../api.ts';

/** One request to a ttrpc server, and where it listens. */
export interface TtrpcRequest {
  /** Path of its unix socket. */
  readonly socketPath: string;
  /** Full name, `containerd.task.v2.Task`. */
  readonly service: string;
  readonly method: string;
  readonly payload: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The server answered with a status that is not success; codes are gRPC's. */
export class TtrpcStatusError extends Error {
  override readonly name = 'TtrpcStatusError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Length of the payload and stream id (both 32 bits, big-endian), type, flags. */
const HEADER_BYTES = 10;
/** Largest payload that ttrpc servers send. */
const PAYLOAD_LIMIT_BYTES = 4 * 1024 * 1024;
const TYPE_REQUEST = 1;
const TYPE_RESPONSE = 2;
/** Clients number their streams with odd numbers; a connection serves one call here. */
const STREAM_ID = 1;

/**
 * Sends one request over a connection of its own and gives the payload of the answer. No deadline but the
 * signal: waits as long as the server does. Rejects with `TtrpcStatusError` when the server refuses, with any
 * other error when there is no server, when it hangs up or sends what is no ttrpc (containerd.md §15).
 */
export async function callTtrpc(
  api: ContainerdApi,
  { socketPath, service, method, payload, metadata }: TtrpcRequest,
  signal: AbortSignal,
): Promise<Buffer> {
  signal.throwIfAborted();
  const request = api.message('ttrpc.Request').serialize({
    service,
    method,
    payload,
    metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  const socket = connect(socketPath);
  const onAbort = (): void => void socket.destroy(abortError(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    socket.write(frame(request));
    const response = api.message('ttrpc.Response').deserialize(await readResponse(socket));
    if (response.status !== null && response.status.code !== 0)
      throw new TtrpcStatusError(response.status.code, response.status.message);
    return response.payload;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

function frame(payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt32BE(STREAM_ID, 4);
  header.writeUInt8(TYPE_REQUEST, 8);
  return Buffer.concat([header, payload]);
}

async function readResponse(socket: Socket): Promise<Buffer> {
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk]);
    while (received.length >= HEADER_BYTES) {
      const length = received.readUInt32BE(0);
      if (length > PAYLOAD_LIMIT_BYTES)
        throw new Error(`what the shim sends is no ttrpc: a message of ${length} bytes`);
      if (received.length < HEADER_BYTES + length) break;
      const isAnswer = received.readUInt32BE(4) === STREAM_ID && received.readUInt8(8) === TYPE_RESPONSE;
      const payload = received.subarray(HEADER_BYTES, HEADER_BYTES + length);
      if (isAnswer) return payload;
      received = received.subarray(HEADER_BYTES + length);
    }
  }
  throw new Error('the shim closed the connection without an answer');
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
