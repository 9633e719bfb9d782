import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bundledAgent } from '../../scripts/bench/agent-build.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { exchangeFrom, inNamespace, NetworkHost } from '../support/network-host.ts';
import { run } from '../support/run.ts';
import { isFullRun, testSeed } from '../support/sample.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const PROGRAM = fileURLToPath(new URL('flood-program.ts', import.meta.url));
const SECONDS = isFullRun() ? 60 : 8;
/** What a flood may cost in resident memory: some 80 MiB were seen, however long it lasts. */
const MOST_MIB = 128;
/** Flood, agent and victim share the processors, which in CI others have their part of. */
const PATIENCE_SEC = 10;
const seed = testSeed();
const TELL_ID = [
  'trap "exit 0" TERM',
  'echo "id $(basename $ECS_CONTAINER_METADATA_URI_V4)"',
  'while :; do sleep 0.05; done',
].join('\n');
const summarySchema = z.object({
  statuses: z.record(z.string(), z.number()),
  opened: z.number(),
  turnedAway: z.number(),
});

/** Everything runs in a network namespace that plays the EC2 instance. */
describe('a task that floods its endpoint', () => {
  let instance: NetworkHost;
  let visit: Disposable;
  let bundle: Scratch;
  let world: EcsWorld;
  beforeAll(async () => {
    bundle = makeScratch();
    const { program } = await bundledAgent(bundle.path('bundle'));
    instance = await NetworkHost.create('flood');
    visit = instance.enter();
    world = await EcsWorld.start({ agentProgram: program });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    visit?.[Symbol.dispose]();
    await instance?.[Symbol.asyncDispose]();
    await bundle?.[Symbol.asyncDispose]();
  });

  const residentMiB = () => {
    const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${world.agent.pid}/status`, 'utf8'))?.[1];
    return Number(kb) / 1024;
  };

  it(`costs the agent no more than ${MOST_MIB} MiB, and other tasks nothing (seed ${seed})`, async () => {
    await world.register('told', TELL_ID, {}, { networkMode: 'bridge' });
    const arns = await world.run('told', 2);
    const tasks = await world.reach('RUNNING', arns);
    const parties = await Promise.all(
      tasks.map(async ({ containers }) => {
        const id = containers[0]?.runtimeId ?? '';
        const line = await until(async () => (await world.logLines(id))[0], { what: 'it tells its id' });
        return { netns: `${world.namespace}-${id}`, endpointId: line.replace('id ', '') };
      }),
    );
    const [attacker, victim] = parties;
    if (attacker === undefined || victim === undefined) throw new Error('there are two tasks');
    const request = `GET /v4/${victim.endpointId} HTTP/1.0\r\n\r\n`;
    const asks = async () =>
      (await exchangeFrom(victim.netns, '169.254.170.2', 80, request, PATIENCE_SEC))?.slice(0, 12);
    for (let n = 0; n < 10; n += 1) expect(await asks()).toBe('HTTP/1.1 200');
    const before = residentMiB();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, residentMiB());
    }, 100);
    const flood = run(
      ...inNamespace(attacker.netns, process.execPath, [
        PROGRAM,
        attacker.endpointId,
        String(seed),
        String(SECONDS),
      ]),
      { timeoutMs: SECONDS * 1000 + 60_000 },
    );
    let isOver = false;
    const over = flood.finally(() => {
      isOver = true;
    });
    const answers: (string | undefined)[] = [];
    while (!isOver) {
      answers.push(await asks());
      // Stays below its own rate limit.
      await delay(50);
    }
    const summary = summarySchema.parse(JSON.parse(await over));
    clearInterval(watch);

    expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 200']));
    expect(answers.length).toBeGreaterThan(SECONDS / 4);
    const told = JSON.stringify({ ...summary, before, most });

    // Each was answered as it should be: too often, too long a head, too long a body, no HTTP at all.
    for (const status of ['200', '400', '413', '429', '431'])
      expect(summary.statuses[status], `${status} of ${told}`).toBeGreaterThan(0);
    expect(summary.turnedAway, told).toBeGreaterThan(0);
    expect(most - before, told).toBeLessThan(MOST_MIB);
    expect(readFileSync(world.agent.options.logFile, 'utf8')).not.toContain('could not be answered');
    // What was held open is let go of again, and the attacker itself is served.
    const own = `GET /v4/${attacker.endpointId} HTTP/1.0\r\n\r\n`;
    await until(
      async () => (await exchangeFrom(attacker.netns, '169.254.170.2', 80, own))?.startsWith('HTTP/1.1 200'),
      { what: 'the attacker is answered again', timeoutMs: 20_000 },
    );
    await world.stop(...arns);
    await world.reach('STOPPED', arns);
    await world.expectClean();
  }, 240_000);
});
