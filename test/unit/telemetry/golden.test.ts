import { describe, expect, it } from 'vitest';
import { expectDocument } from '../../support/kept-document.ts';
import { telemetryDocument } from './golden-telemetry-differences.ts';
import { measurementsOf, type RecordedMessage, recordedTelemetry } from './recorded-telemetry.ts';
import { INSTANCE, TelemetryWorld } from './telemetry-world.ts';

const TICK_MS = 20_000;

interface Sent {
  readonly tick: number;
  readonly type: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** Takes our session through a recording; gives what it sent, tick by tick. */
async function replay(recorded: readonly RecordedMessage[]): Promise<readonly Sent[]> {
  const world = new TelemetryWorld();
  const ticks = Math.max(...recorded.map(({ tick }) => tick));
  const sent: Sent[] = [];
  const types = ['PublishMetricsRequest', 'PublishInstanceStatusRequest', 'PublishHealthRequest'];
  const counts = new Map<string, number>();
  const collect = (tick: number) => {
    for (const type of types) {
      const all = world.sent(type);
      for (const message of all.slice(counts.get(type) ?? 0)) sent.push({ tick, type, message });
      counts.set(type, all.length);
    }
  };
  for (let tick = 0; tick <= ticks; tick += 1) {
    const metrics = recorded.find(
      (one) => one.tick === tick && one.type === 'PublishMetricsRequest' && one.dir === 'in',
    );
    world.cycle = metrics === undefined ? [] : measurementsOf(metrics.message);
    if (tick === 0) await world.start();
    const arrived = recorded.filter((one) => one.tick === tick && one.dir === 'out');
    for (const { ch, type } of arrived)
      if (type === 'HeartbeatMessage') {
        if (ch === 'acs') await world.heartbeat();
        else world.server.connection.receive('HeartbeatMessage');
      }
    if (tick > 0) await world.clock.advance(TICK_MS);
    collect(tick);
  }
  await world.session.stop();
  return sent;
}

/** Without what differs from run to run: ids as a mark, times in whole ticks of the start, floats to nine digits. */
function comparable(value: unknown, startedAt: number): unknown {
  const walk = (one: unknown, key: string): unknown => {
    if (Array.isArray(one)) return one.map((item) => walk(item, '')).toSorted(byName);
    if (typeof one === 'object' && one !== null)
      return Object.fromEntries(Object.entries(one).map(([name, member]) => [name, walk(member, name)]));
    if (key === 'messageId' || key === 'requestId') return isUuid(one) ? 'a UUID' : one;
    if (key === 'timestamp' || key === 'lastUpdated' || key === 'lastStatusChange')
      return isTime(one) ? { tick: Math.round(((one as number) - startedAt) / (TICK_MS / 1000)) } : one;
    if (typeof one === 'number') return Number(one.toPrecision(9));
    return one;
  };
  return walk(value, '');
}

const isUuid = (value: unknown) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(value));
/** Seconds with three decimals at most (TCS-14). */
const isTime = (value: unknown) =>
  typeof value === 'number' && Math.abs(value * 1000 - Math.round(value * 1000)) < 1e-3;

function byName(a: unknown, b: unknown): number {
  const nameOf = (one: unknown) => {
    const { taskArn, containerName, type } = Object(one);
    return String(taskArn ?? containerName ?? type ?? '');
  };
  return nameOf(a).localeCompare(nameOf(b));
}

const timeOf = ({ message }: Pick<Sent, 'message'>) => Number(message.timestamp);

describe('the recorded telemetry of the Amazon ECS agent', () => {
  const recorded = recordedTelemetry();
  const theirs = recorded.filter(({ ch, dir }) => ch === 'tcs' && dir === 'in');
  const instance = Object(theirs[0]?.message.metadata).containerInstance as string;
  const named = JSON.parse(JSON.stringify(theirs).replaceAll(instance, INSTANCE)) as typeof theirs;

  it('is ours in types and times (TCS-43, TCS-58, TCS-59)', async () => {
    const ours = await replay(recorded);
    const order = (all: readonly Pick<Sent, 'tick' | 'type'>[]) =>
      all.map(({ tick, type }) => `${tick} ${type}`).toSorted();
    expect(order(ours)).toEqual(order(theirs));
    expect(theirs.length).toBeGreaterThan(8);
  });

  it('is ours in every member, its type and its value (OBS-55, OBS-58, OBS-63)', async () => {
    const ours = await replay(recorded);
    const [ourStart = 0, theirStart = 0] = [ours, named].map((all) => timeOf(all[0] ?? { message: {} }));
    let compared = 0;
    for (const their of named) {
      const our = ours.find(({ tick, type }) => tick === their.tick && type === their.type);
      const [is, should] = [comparable(our?.message, ourStart), comparable(their.message, theirStart)];
      if (their.type === 'PublishInstanceStatusRequest') {
        // Theirs is of the check before the latest.
        expect(takeLastUpdated(should)).toBeLessThanOrEqual(takeLastUpdated(is));
      }
      expect(is).toEqual(should);
      compared += 1;
    }
    expect(compared).toBe(ours.length);
  });

  it('means in each member what tcs.md says', () => {
    const counters = new Map<string, number>();
    for (const { message } of theirs)
      for (const task of tasksOf(message))
        for (const container of task.containerMetrics) {
          const name = `${task.taskArn} ${container.containerName}`;
          const { cpuStatsSet: cpu, memoryStatsSet: memory, networkStatsSet: network } = container;
          expect(cpu.max).toBeLessThanOrEqual(100);
          expect(Number.isInteger(memory.min) && Number.isInteger(memory.max)).toBe(true);
          // Only tasks with interfaces of their own have numbers of them (TCS-49).
          expect(network === undefined).toBe(container.containerName === 'hostnet');
          for (const [member, set] of Object.entries({ ...container.storageStatsSet, ...network })) {
            expect(set.min).toBeGreaterThanOrEqual(0);
            if (member.endsWith('PerSecond')) continue;
            // Counters go on from cycle to cycle.
            expect(set.min).toBeGreaterThanOrEqual(counters.get(`${name} ${member}`) ?? 0);
            counters.set(`${name} ${member}`, set.max);
          }
        }
    expect(counters.size).toBeGreaterThan(10);
  });

  it('differs where docs/golden-telemetry.md says', () => {
    expectDocument('golden-telemetry.md', telemetryDocument());
  });
});

interface StatsSet {
  readonly min: number;
  readonly max: number;
}
interface RecordedTask {
  readonly taskArn: string;
  readonly containerMetrics: readonly {
    readonly containerName: string;
    readonly cpuStatsSet: StatsSet;
    readonly memoryStatsSet: StatsSet;
    readonly networkStatsSet?: Readonly<Record<string, StatsSet>>;
    readonly storageStatsSet: Readonly<Record<string, StatsSet>>;
  }[];
}

function tasksOf(message: Readonly<Record<string, unknown>>): readonly RecordedTask[] {
  return (message.taskMetrics ?? []) as readonly RecordedTask[];
}

/** Tick of `lastUpdated` of the only status; the member becomes a mark. */
function takeLastUpdated(message: unknown): number {
  const [status] = (message as { statuses: { lastUpdated: unknown }[] }).statuses;
  if (status === undefined) throw new Error('there is no status');
  const { tick } = status.lastUpdated as { tick: number };
  status.lastUpdated = 'time';
  return tick;
}
