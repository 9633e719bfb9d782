import { connect, type Socket } from 'node:net';
import { randomFrom } from '../support/sample.ts';

/*
 * Runs in the network namespace of a task that means ill: floods its endpoint in every way it can, first with requests,
 * then with connections that say little or nothing. Prints what came back, one line of JSON.
 *
 *   flood-program.ts ENDPOINT-ID SEED SECONDS
 */

const [id = '', seed = '1', seconds = '8'] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const half = (Number(seconds) * 1000) / 2;
const statuses: Record<string, number> = {};
let opened = 0;
/** Connections that were ended without a word. */
let turnedAway = 0;

const get = `GET /v4/${id}/task HTTP/1.1\r\nHost: x\r\n\r\n`;
const noise = () => Buffer.from(Array.from({ length: 512 }, () => Math.floor(random() * 256)));

/** Keeps so many connections in use until the time is over; a new one follows each that ends. */
async function keepUp(count: number, ms: number, use: (socket: Socket) => void): Promise<void> {
  const end = performance.now() + ms;
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (performance.now() < end) await once(use, end - performance.now());
    }),
  );
}

async function once(use: (socket: Socket) => void, ms: number): Promise<void> {
  const socket = connect(80, '169.254.170.2');
  opened += 1;
  let answered = false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const limit = setTimeout(() => socket.destroy(), Math.max(1, ms));
  socket.setEncoding('latin1').on('data', (text: string) => {
    answered = true;
    for (const [, status = ''] of text.matchAll(/HTTP\/1\.1 (\d{3})/g))
      statuses[status] = (statuses[status] ?? 0) + 1;
  });
  socket.on('error', () => {});
  socket.once('connect', () => use(socket));
  socket.once('end', () => {
    if (!answered) turnedAway += 1;
  });
  socket.once('close', () => {
    clearTimeout(limit);
    // A connection that is refused at once is not tried again at once.
    setTimeout(resolve, 5);
  });
  await promise;
}

/** Writes without end, as fast as it is taken. */
function pour(socket: Socket, chunk: string): void {
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}

const body = `PUT /api/${id}/task-protection/v1/state HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n`;
await Promise.all([
  keepUp(8, half, (socket) => socket.write(get.repeat(10))),
  keepUp(4, half, (socket) => {
    socket.write('GET / HTTP/1.1\r\n');
    pour(socket, `X-Long: ${'a'.repeat(65_000)}\r\n`);
  }),
  keepUp(4, half, (socket) => {
    socket.write(body);
    pour(socket, 'x'.repeat(65_536));
  }),
  // Answers that nobody reads.
  keepUp(8, half, (socket) => pour(socket.pause(), get.repeat(500))),
  keepUp(16, half, (socket) => socket.end(noise())),
]);
await Promise.all([
  keepUp(600, half, () => {}),
  keepUp(200, half, (socket) => {
    socket.write('GET / HTTP/1.1\r\nX-Slow: ');
    const drip = setInterval(() => socket.write('a'), 200);
    socket.once('close', () => clearInterval(drip));
  }),
]);
console.log(JSON.stringify({ statuses, opened, turnedAway }));
process.exit(0);
