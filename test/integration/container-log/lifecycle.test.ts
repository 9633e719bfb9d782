import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostProcesses } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { endOf, firstWrongNumber, LogStage } from './log-stage.ts';

const MAIN = fileURLToPath(new URL('../../../src/container-log/service/main.ts', import.meta.url));

let stage: LogStage;
beforeEach(async () => {
  stage = await LogStage.open();
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

describe('the agent and the log service', () => {
  test('a container neither waits nor loses a line while there is no agent', async () => {
    const fifos = await stage.prepare('orphan');
    const gate = stage.scratch.path('gate');
    const writer = stage.write(
      fifos,
      `busybox seq 1 1000; while [ ! -e '${gate}' ]; do busybox usleep 5000; done; busybox seq 1001 200000`,
    );
    const pid = await stage.servicePid();
    await stage.disconnect();
    writeFileSync(gate, '');
    await endOf(writer);
    await stage.connect();
    expect(await stage.logs.list({ signal: stage.signal })).toEqual([fifos.id]);
    await stage.finish(fifos.id);
    expect(firstWrongNumber(stage.textOf(fifos.id, 'stdout'), 200_000)).toBeUndefined();
    expect(pid).toBeGreaterThan(0);
  });

  test('an agent that ends while it looks for the service ends at once', async () => {
    await stage.servicePid();
    await stage.connectInVain();
  }, 10_000);

  test('a new agent finds the service that runs and the containers it collects (LOG-16)', async () => {
    const fifos = await stage.prepare('found');
    const writer = stage.write(fifos, 'echo a; busybox sleep 100');
    await until(() => stage.textOf(fifos.id, 'stdout') !== '', { what: 'the line is kept' });
    const pid = await stage.servicePid();
    await stage.disconnect();
    await stage.connect();
    expect(stage.servicePids()).toEqual([pid]);
    expect(await stage.logs.list({ signal: stage.signal })).toEqual([fifos.id]);
    writer.kill('SIGKILL');
    await stage.finish(fifos.id);
  });

  test('the service lives in a session of its own, with none of our environment', async () => {
    const pid = await stage.servicePid();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    expect(stat[3]).toBe(String(pid));
    const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((pair) => pair.split('=')[0]);
    expect(names.filter((name) => name !== '').sort()).toEqual(['NODE_COMPILE_CACHE', 'PATH']);
  });

  test('a call that waits ends when the agent closes, and one that was given up is never made', async () => {
    const fifos = await stage.prepare('waiting');
    stage.write(fifos, 'busybox sleep 100');
    const finishing = stage.finish(fifos.id);
    const outcome = expect(finishing).rejects.toThrow('closed');
    const { logs } = stage;
    await stage.disconnect();
    await outcome;
    await expect(logs.list({ signal: stage.signal })).rejects.toThrow('closed');
    await stage.connect();
    await stage.killService();
    const given = stage.logs.remove(fifos.id, { signal: AbortSignal.timeout(1) });
    await expect(given).rejects.toThrow();
    expect(await stage.logs.list({ signal: stage.signal })).toEqual([fifos.id]);
  });

  test('a service of another version makes way for ours', async () => {
    await stage.disconnect();
    await until(() => stage.servicePids().length === 0, { what: 'the service has ended' });
    const asked: string[] = [];
    const other = createServer((socket) => {
      const lines = createInterface(socket);
      lines.on('line', (line) => {
        const { id, method } = JSON.parse(line);
        asked.push(method);
        socket.write(`${JSON.stringify({ id, result: { protocol: 99, pid: 1 } })}\n`);
        if (method === 'quit') {
          other.close();
          socket.end();
        }
      });
    }).listen(`${stage.runDir}/log-service.sock`);
    await stage.connect();
    expect(asked).toEqual(['hello', 'quit']);
    expect(await stage.logs.list({ signal: stage.signal })).toEqual([]);
  });

  test('a second service beside a running one ends at once with status 0, quietly', async () => {
    const args = [MAIN, '--run-dir', stage.runDir, '--data-dir', stage.dataDir];
    const output: string[] = [];
    const second = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
    second.stdout.on('data', (text) => output.push(String(text)));
    second.stderr.on('data', (text) => output.push(String(text)));
    await endOf(second);
    expect(output).toEqual([]);
    expect(await stage.logs.list({ signal: stage.signal })).toEqual([]);
  });

  test('the service ends when neither agent nor containers are left', async () => {
    const fifos = await stage.prepare('last');
    const writer = stage.write(fifos, 'echo a; busybox sleep 100');
    await until(() => stage.textOf(fifos.id, 'stdout') !== '', { what: 'the line is kept' });
    const pid = await stage.servicePid();
    await stage.disconnect();
    // Long enough for several looks at whether it is alone.
    await until(() => cpuLooks(pid), { what: 'the service has had time', intervalMs: 400, timeoutMs: 5_000 });
    expect(stage.servicePids()).toEqual([pid]);
    writer.kill('SIGKILL');
    await until(() => stage.servicePids().length === 0, { what: 'the service has ended' });
    await stage.connect();
    await stage.finish(fifos.id);
    expect(stage.textOf(fifos.id, 'stdout')).toBe('a\n');
  });

  test('what the host lost at a reboot is ended with what was kept of it', async () => {
    const fifos = await stage.prepare('rebooted');
    const writer = stage.write(fifos, 'busybox seq 1 100; busybox sleep 100');
    await until(() => stage.textOf(fifos.id, 'stdout').endsWith('\n100\n'), { what: 'the lines are kept' });
    await stage.disconnect();
    const [pid] = stage.servicePids();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    writer.kill('SIGKILL');
    await until(() => stage.servicePids().length === 0, { what: 'the service is gone' });
    rmSync(stage.runDir, { recursive: true });
    await stage.connect();
    await stage.finish(fifos.id);
    expect(firstWrongNumber(stage.textOf(fifos.id, 'stdout'), 100)).toBeUndefined();
    expect(existsSync(fifos.stdout)).toBe(false);
    await stage.logs.remove(fifos.id, { signal: stage.signal });
    expect(await stage.logs.list({ signal: stage.signal })).toEqual([]);
  });

  test('a configuration that cannot be read harms no other container', async () => {
    const good = await stage.prepare('good');
    const bad = await stage.prepare('bad');
    writeFileSync(stage.paths(bad.id).config, '{"version":1');
    await stage.killService();
    await stage.run(good, 'echo x');
    await stage.finish(good.id);
    await stage.finish(bad.id);
    expect(stage.textOf(good.id, 'stdout')).toBe('x\n');
    await stage.logs.remove(bad.id, { signal: stage.signal });
  });

  test('a client that talks nonsense is answered or cut off, and harms nobody', async () => {
    const fifos = await stage.prepare('calm');
    const socket = connect(`${stage.runDir}/log-service.sock`);
    let answer = '';
    socket.on('data', (text) => {
      answer += String(text);
    });
    socket.on('error', () => {});
    socket.write(
      'nonsense\n{"id":7,"method":"prepare"}\n{"id":8,"method":"dance"}\n{"id":9,"method":"remove","container":"../../etc"}\n',
    );
    await until(() => answer.split('\n').length > 4, { what: 'every line is answered' });
    expect(answer.split('\n').filter((line) => line.includes('"error"'))).toHaveLength(4);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write('x'.repeat(5 * 1024 * 1024));
    await closed;
    await stage.run(fifos, 'echo x');
    await stage.finish(fifos.id);
    expect(stage.textOf(fifos.id, 'stdout')).toBe('x\n');
  });

  test('no secret of a container is in an argument list or the service log', async () => {
    const secret = 's3cr3t-of-this-test';
    const request = stage.request('secret', { environment: { TOKEN: secret }, options: { env: 'TOKEN' } });
    await stage.stdio(request);
    expect(hostProcesses().filter(({ args }) => args.some((arg) => arg.includes(secret)))).toEqual([]);
    expect(readFileSync(`${stage.dataDir}/log-service.log`, 'utf8')).not.toContain(secret);
    await stage.finish(request.id);
  });
});

/** Whether a process has been scheduled some ten times since the first call. */
const looks = new Map<number, number>();
function cpuLooks(pid: number): boolean {
  const switches = Number(
    /^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1],
  );
  const first = looks.get(pid) ?? switches;
  looks.set(pid, first);
  return switches >= first + 10;
}
