import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { DockerClient } from '../../../../src/runtime/docker/docker-client.ts';
import { execInContainer } from '../../../../src/runtime/docker/docker-exec.ts';

/** States of a command that dockerd gives one after the other; the last for ever. */
type States = readonly { readonly Running: boolean; readonly ExitCode: number | null }[];

const NOT_YET = { Running: false, ExitCode: null };
const RUNNING = { Running: true, ExitCode: null };
let close = async () => {};

afterEach(() => close());

/** A dockerd of slow hands, which a real one is only now and then. It says `text` and hangs up after the last state. */
async function slowDockerd(states: States, text: string): Promise<DockerClient> {
  const folder = await mkdtemp(join(tmpdir(), 'docker-exec-'));
  const left = [...states];
  let hangUp = () => {};
  const server: Server = createServer((request, response) => {
    if (request.method === 'POST') return response.end(JSON.stringify({ Id: 'e1' }));
    response.end(JSON.stringify(left.length > 1 ? left.shift() : left[0]));
    if (left.length === 1) hangUp();
  });
  server.on('upgrade', (_request, socket) => {
    // The client hangs up first when it has all it waits for.
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    hangUp = () => {
      hangUp = () => {};
      const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, text.length]);
      setTimeout(() => socket.end(Buffer.concat([header, Buffer.from(text)])), 100);
    };
  });
  const path = join(folder, 'docker.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = new DockerClient(path, '1.44');
  close = async () => {
    client.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  };
  return client;
}

const run = async (states: States, text: string) =>
  await execInContainer(
    await slowDockerd(states, text),
    'c1',
    { args: ['x'], outputLimit: 100 },
    AbortSignal.timeout(5_000),
  );

it('waits for a command that dockerd has not come to start yet', async () => {
  const ended = { Running: false, ExitCode: 4 };
  const states = [NOT_YET, NOT_YET, RUNNING, RUNNING, ended];
  expect(await run(states, '')).toEqual({ exitCode: 4, output: '' });
});

it('waits for the reason when dockerd could not start the command', async () => {
  const failed = { Running: false, ExitCode: 126 };
  const output = 'OCI runtime exec failed: no such file or directory';
  expect(await run([NOT_YET, failed], output)).toEqual({ exitCode: 127, output });
});

it('does not wait for a command that dockerd refuses to start', async () => {
  const output = 'Container c1 is paused';
  expect(await run([NOT_YET], output)).toEqual({ exitCode: 126, output });
});
