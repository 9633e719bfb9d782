import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/*
 * Runs inside the virtual machine: does what the test on the host says, and makes ports of the host appear on the
 * machine's loopback. Ends when the test closes its connection.
 *
 *   guest.ts CONTROL-PORT [PORT …]
 */

/** Where qemu shows the host's loopback. */
const HOST = '10.0.2.100';

const [control = '', ...ports] = process.argv.slice(2);
await Promise.all(ports.map((port) => relay(Number(port))));
await serve(Number(control));
process.exit(0);

/** 127.0.0.1:PORT here leads to the host's. */
async function relay(port: number): Promise<void> {
  const server = createServer((near) => {
    const far = connect(port, HOST);
    near.pipe(far);
    far.pipe(near);
    near.on('error', () => far.destroy());
    near.on('close', () => far.destroy());
    far.on('error', () => near.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
}

/** A line in is a command, a line out is how it ended; resolves when the host has closed the connection. */
async function serve(port: number): Promise<void> {
  const socket = connect(port, HOST);
  socket.write('{"ready":true}\n');
  for await (const line of createInterface({ input: socket })) {
    const { id, command } = JSON.parse(line) as { readonly id: number; readonly command: string };
    const pieces: Buffer[] = [];
    const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
    child.on('close', (exitCode) => {
      socket.write(`${JSON.stringify({ id, exitCode, output: Buffer.concat(pieces).toString() })}\n`);
    });
  }
}
