import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startContainerd, type TestContainerd } from '../support/containerd.ts';
import { type LaunchedAgent, launchAgent } from '../support/launched-agent.ts';
import { RecordingControlPlane } from '../support/recording-control-plane.ts';
import { run } from '../support/run.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

let containerd: TestContainerd;
let scratch: Scratch;
let double: RecordingControlPlane;
let count = 0;

beforeAll(async () => {
  scratch = makeScratch();
  containerd = await startContainerd();
});
afterAll(async () => {
  await containerd?.stop();
  await scratch?.remove();
});

/** Launches an agent with directories and a namespace of its own; what is given replaces them. */
function launch(
  options: Partial<LaunchedAgent['options']> & { readonly env?: Readonly<Record<string, string>> } = {},
): LaunchedAgent {
  count += 1;
  return launchAgent({
    controlPlaneUrl: double.url,
    containerdAddress: containerd.address,
    dataDir: scratch.path(`data-${count}`),
    runDir: scratch.path(`run-${count}`),
    namespace: `ecs-t${process.pid}-${count}`,
    ...options,
  });
}

/** The lines of an agent that has ended by itself: one of a failure, and nothing that is no line of its log. */
async function endOf(agent: LaunchedAgent): Promise<{ status: number | string; failure: string }> {
  const status = await agent.ended;
  const lines = agent.output().trim().split('\n');
  const failures = lines.filter((line) => /"level":"(error|crit|fatal)"|^configuration: /.test(line));
  expect(failures.length, agent.output()).toBe(1);
  expect(lines.filter((line) => !line.startsWith('{') && !line.startsWith('configuration: '))).toEqual([]);
  return { status, failure: failures[0] ?? '' };
}

async function isConnected(agent: LaunchedAgent): Promise<void> {
  await until(
    async () => {
      if ((await agent.ask())?.acs.connected === true) return true;
      return undefined;
    },
    { what: `the agent is connected`, timeoutMs: 60_000, intervalMs: 50 },
  ).catch((cause: unknown) => {
    throw new Error(agent.output(), { cause });
  });
}

describe('an agent that cannot start', () => {
  beforeAll(async () => {
    double = await RecordingControlPlane.start({
      answer: (_op, { cluster }) =>
        cluster === 'wrong-keys'
          ? {
              status: 400,
              body: {
                __type: 'com.amazon.coral.service#UnrecognizedClientException',
                message: 'The security token included in the request is invalid.',
              },
            }
          : undefined,
    });
  });
  afterAll(() => double[Symbol.asyncDispose]());

  it('ends with 1 and names the answer when its AWS keys are wrong', async () => {
    await using agent = launch({ env: { ECS_CLUSTER: 'wrong-keys' } });
    const { status, failure } = await endOf(agent);
    expect(status).toBe(1);
    expect(failure).toMatch(/could not be registered in cluster wrong-keys: .*UnrecognizedClientException/);
    expect(double.received(({ body }) => body?.cluster === 'wrong-keys').length).toBe(1);
  });

  it('tries an endpoint that nobody serves three times, then ends with 1', async () => {
    await using agent = launch({ controlPlaneUrl: 'http://127.0.0.1:1' });
    const { status, failure } = await endOf(agent);
    expect(status).toBe(1);
    expect(failure).toMatch(
      /RegisterContainerInstance: http:\/\/127\.0\.0\.1:1 could not be asked: .*ECONNREFUSED/,
    );
  });

  it('refuses plain http towards anything but loopback with 1, before anything is sent', async () => {
    await using agent = launch({
      controlPlaneUrl: 'http://192.0.2.1',
      containerdAddress: scratch.path('no-containerd.sock'),
    });
    const { status, failure } = await endOf(agent);
    expect(status).toBe(1);
    expect(failure).toMatch(/^configuration: ECS_BACKEND_HOST is plain http towards 192\.0\.2\.1; .*https/);
  });

  it('leaves a data directory to the agent that has it', async () => {
    await using first = launch();
    await isConnected(first);
    await using second = launch({ dataDir: first.options.dataDir });
    const { status, failure } = await endOf(second);
    expect(status).toBe(1);
    expect(failure).toContain(`another agent is running on the data directory ${first.options.dataDir}`);
    expect((await first.ask())?.acs.connected).toBe(true);
  });
});

describe('an agent that goes on', () => {
  beforeAll(async () => {
    double = await RecordingControlPlane.start();
  });
  afterAll(() => double[Symbol.asyncDispose]());

  it('waits for a containerd that is not there yet, and says so (CTD-2)', async () => {
    const socket = scratch.path('later.sock');
    await using agent = launch({ containerdAddress: socket });
    const waits = () => agent.log().filter(({ msg }) => msg === 'waiting for containerd');
    await until(() => waits().length >= 2, { what: 'the agent waits', timeoutMs: 60_000 });
    expect(waits()[0]).toMatchObject({ level: 'warn', address: socket });
    symlinkSync(containerd.address, socket);
    await isConnected(agent);
  });

  it('sets a state database of garbage aside and begins a new one', async () => {
    const dataDir = scratch.path('garbage');
    mkdirSync(dataDir);
    writeFileSync(`${dataDir}/agent.db`, 'this is no database\n'.repeat(1000));
    await using agent = launch({ dataDir });
    await isConnected(agent);
    const aside = agent.log().filter(({ msg }) => msg.includes('was set aside'));
    expect(aside.length).toBe(1);
    expect(aside[0]).toMatchObject({ level: 'error', path: expect.stringContaining('agent.db.broken-') });
    expect(readdirSync(dataDir).filter((name) => /^agent\.db\.broken-/.test(name))).toHaveLength(1);
  });

  it('acks no payload that it cannot store, and acks it once there is space again (OBS-25)', async () => {
    const dataDir = scratch.path('small-disk');
    mkdirSync(dataDir);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', dataDir]);
    await using agent = launch({ dataDir, env: { ECS_CLUSTER: 'peer' } });
    await isConnected(agent);
    const acks = (id: string) => double.received(({ message }) => message?.messageId === id).length;

    await run('sh', ['-c', `dd if=/dev/zero of="$0"/filler bs=4096 2>/dev/null; true`, dataDir]);
    double.send('acs', 'PayloadMessage', payload(double, 'm-1'));
    const refusal = () => agent.log().filter(({ level }) => level === 'error');
    await until(() => refusal().length > 0, {
      what: 'the agent says that it cannot store',
      timeoutMs: 30_000,
    });
    expect(JSON.stringify(refusal()[0])).toMatch(/full|ENOSPC|no space/i);
    expect(acks('m-1')).toBe(0);
    expect(double.reports).toEqual([]);

    rmSync(`${dataDir}/filler`);
    double.send('acs', 'PayloadMessage', payload(double, 'm-1'));
    await until(() => acks('m-1') === 1, { what: 'the payload is acked', timeoutMs: 30_000 });
    await until(() => double.reports.length === 1, { what: 'its task is reported', timeoutMs: 30_000 });
    expect(double.reports[0]).toMatchObject({ status: 'STOPPED' });
  });
});

/** One task that was never seen and is to be stopped: it is stored and reported without any container. */
function payload(
  { containerInstanceArn }: RecordingControlPlane,
  messageId: string,
): Readonly<Record<string, unknown>> {
  return {
    clusterArn: 'arn:aws:ecs:us-west-2:123456789012:cluster/peer',
    containerInstanceArn,
    messageId,
    generatedAt: 0,
    seqNum: 1,
    tasks: [
      {
        arn: 'arn:aws:ecs:us-west-2:123456789012:task/peer/0123456789abcdef0123456789abcdef',
        family: 'fam',
        version: '1',
        desiredStatus: 'STOPPED',
        networkMode: 'host',
        containers: [{ name: 'main', image: 'none', essential: true, cpu: 0, memory: 64 }],
      },
    ],
  };
}
