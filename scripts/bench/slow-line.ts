import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What a line does to each connection. */
export interface Line {
  /** There and back, ms. */
  readonly roundTripMs: number;
  /** Of what comes from the far end. */
  readonly bytesPerSecond: number;
}

/** A line that does nothing: only the way from one network namespace into another. */
export const SHORT_LINE: Line = { roundTripMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };

/** By so much a timer may be late without making the line slower than it is. */
const LATE_MS = 20;

export interface OpenLine extends AsyncDisposable {
  readonly port: number;
}

/**
 * A port behind which a server on loopback is as far away, and each connection as slow, as is said. It listens where
 * the process is when this is called (network namespace), and connects from where it is when somebody comes.
 */
export function openLine(serverPort: number, line: Line, port = 0): OpenLine {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: serverPort, host: '127.0.0.1', allowHalfOpen: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', () => undefined);
      // One that has ended in order has bytes on the way yet.
      socket.once('close', (hadError) => {
        sockets.delete(socket);
        if (hadError) other.destroy();
      });
    }
    void carry(near, far, { ...line, bytesPerSecond: Number.POSITIVE_INFINITY });
    void carry(far, near, line);
  });
  // Without a host's name, so that the socket is made at once.
  server.listen(port);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the line does not listen');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Each piece arrives half a round trip after it was sent, and not before those ahead of it have passed at that rate. */
async function carry(from: Socket, to: Socket, { roundTripMs, bytesPerSecond }: Line): Promise<void> {
  const wayMs = roundTripMs / 2;
  let freeAt = 0;
  let arrived = Promise.resolve();
  try {
    for await (const piece of from.iterator({ destroyOnReturn: false })) {
      const now = performance.now();
      freeAt = Math.max(freeAt, now - LATE_MS) + (piece.length / bytesPerSecond) * 1000;
      const arrivesAt = freeAt + wayMs;
      arrived = arrived.then(() => arrive(piece, to, arrivesAt));
      // The sender feels the line: no more is on the way than fits on it, or than the reader takes.
      if (freeAt > now) await delay(freeAt - now);
      if (to.writableNeedDrain) await arrived;
    }
    await arrived;
    to.end();
  } catch {
    to.destroy();
  }
}

async function arrive(piece: Buffer, to: Socket, arrivesAt: number): Promise<void> {
  const left = arrivesAt - performance.now();
  if (left > 0) await delay(left);
  if (to.destroyed || to.write(piece)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      to.off('drain', done).off('close', done);
      resolve();
    };
    to.on('drain', done).on('close', done);
  });
}
