import { describe, expect, it } from 'vitest';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import { FAULT_LIMIT } from '../../../src/metadata/task-api/fault-route.ts';
import type { Fault, FaultInjector, FaultName, FaultPlace } from '../../../src/task/fault.ts';
import type { NetworkMode } from '../../../src/task/task-spec.ts';
import { sampleContainerState, sampleTask } from '../store/sample-task.ts';
import { TaskApiWorld, type TaskApiWorldOptions } from './task-api-world.ts';

const HOST: EndpointScope = { kind: 'host' };
const BLACKHOLE = { Port: 80, Protocol: 'tcp', TrafficType: 'egress' };
const LATENCY = { DelayMilliseconds: 100, JitterMilliseconds: 0, Sources: ['10.0.0.1'] };
const LOSS = { LossPercent: 10, Sources: ['10.0.0.0/8', 'fd00::/8'] };
const KINDS = ['network-blackhole-port', 'network-latency', 'network-packet-loss'] as const;

/** Remembers what it was asked for. */
class RecordedFaults implements FaultInjector {
  readonly calls: [string, FaultPlace, Fault | FaultName][] = [];
  async start(place: FaultPlace, fault: Fault): Promise<'running'> {
    this.calls.push(['start', place, fault]);
    return 'running';
  }
  async stop(place: FaultPlace, fault: FaultName): Promise<'stopped'> {
    this.calls.push(['stop', place, fault]);
    return 'stopped';
  }
  async status(place: FaultPlace, fault: FaultName): Promise<'not-running'> {
    this.calls.push(['status', place, fault]);
    return 'not-running';
  }
}

function open(
  { mode = 'host', enabled = true }: { mode?: NetworkMode; enabled?: boolean } = {},
  options: Partial<TaskApiWorldOptions> = {},
) {
  const sample = sampleTask('one');
  const task = {
    ...sample,
    spec: { ...sample.spec, networkMode: mode, ...(enabled && { faultInjection: true }) },
    containers: [{ ...sampleContainerState('app'), createdAt: 1 }],
  };
  const faults = new RecordedFaults();
  const api = new TaskApiWorld({ tasks: [task], allFromHost: true, faults, ...options });
  const path = (what: string) => `/api/${api.ids.idOf(task.spec, 'app')}/fault/v1/${what}`;
  const post = (what: string, body?: unknown) =>
    api.request(HOST, path(what), {
      method: 'POST',
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return { api, task, faults, path, post, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

describe('requests for network faults', () => {
  it('take POST alone (TMDS-59)', async () => {
    await using world = open();
    for (const kind of KINDS) {
      const reply = await world.api.request(HOST, world.path(`${kind}/start`));
      expect([reply.status, reply.body]).toEqual([405, '']);
    }
    expect((await world.post('network-nonsense/start', {})).status).toBe(404);
  });

  it.each<[string, unknown, string]>([
    ['network-blackhole-port/start', undefined, 'required request body is missing'],
    ['network-blackhole-port/status', undefined, 'required request body is missing'],
    ['network-blackhole-port/stop', { ...BLACKHOLE, Port: null }, 'required parameter Port is missing'],
    [
      'network-blackhole-port/start',
      { ...BLACKHOLE, Protocol: '' },
      'required parameter Protocol is missing',
    ],
    [
      'network-blackhole-port/start',
      { Port: 1, Protocol: 'tcp' },
      'required parameter TrafficType is missing',
    ],
    [
      'network-blackhole-port/start',
      { ...BLACKHOLE, Protocol: 'icmp' },
      'invalid value icmp for parameter Protocol',
    ],
    [
      'network-blackhole-port/start',
      { ...BLACKHOLE, TrafficType: 'x' },
      'invalid value x for parameter TrafficType',
    ],
    [
      'network-blackhole-port/start',
      { ...BLACKHOLE, SourcesToFilter: ['1.2.3.4', '1.2.3.4/33'] },
      'invalid value 1.2.3.4/33 for parameter SourcesToFilter',
    ],
    [
      'network-blackhole-port/start',
      { ...BLACKHOLE, Port: '80' },
      'json: cannot unmarshal string into Go struct field NetworkBlackholePortRequest.Port of type uint16',
    ],
    [
      'network-blackhole-port/start',
      { ...BLACKHOLE, Port: 65_536 },
      'json: cannot unmarshal number 65536 into Go struct field NetworkBlackholePortRequest.Port of type uint16',
    ],
    [
      'network-latency/start',
      [],
      'json: cannot unmarshal array into Go value of type types.NetworkLatencyRequest',
    ],
    [
      'network-latency/start',
      { ...LATENCY, DelayMilliseconds: null },
      'required parameter DelayMilliseconds is missing',
    ],
    ['network-latency/start', { DelayMilliseconds: 1 }, 'required parameter JitterMilliseconds is missing'],
    [
      'network-latency/start',
      { ...LATENCY, DelayMilliseconds: 0 },
      'required either DelayMilliseconds or JitterMilliseconds to be non-zero',
    ],
    ['network-latency/start', { ...LATENCY, Sources: [] }, 'required parameter Sources is missing'],
    ['network-latency/start', { ...LATENCY, Sources: ['$(x)'] }, 'invalid value $(x) for parameter Sources'],
    ['network-latency/start', { ...LATENCY, FlowsPercent: 0 }, 'invalid value 0 for parameter flowsPercent'],
    ['network-packet-loss/start', { Sources: ['1.1.1.1'] }, 'required parameter LossPercent is missing'],
    ['network-packet-loss/start', { ...LOSS, LossPercent: 0 }, 'invalid value 0 for parameter LossPercent'],
    [
      'network-packet-loss/start',
      { ...LOSS, LossPercent: 101 },
      'invalid value 101 for parameter LossPercent',
    ],
    [
      'network-packet-loss/start',
      { ...LOSS, FlowsPercent: 101 },
      'invalid value 101 for parameter flowsPercent',
    ],
  ])('%s with %j are refused: %s (TMDS-60)', async (what, body, error) => {
    await using world = open();
    const reply = await world.post(what, body);
    expect([reply.status, reply.json]).toEqual([400, { Error: error }]);
    expect(world.faults.calls).toEqual([]);
  });

  it('that are no JSON are refused before anything else', async () => {
    await using world = open({ enabled: false });
    expect((await world.post('network-latency/start', '{"a"')).status).toBe(400);
  });

  it('of a task that may not make faults are refused (TMDS-61)', async () => {
    await using world = open({ enabled: false });
    const reply = await world.post('network-latency/start', LATENCY);
    expect([reply.status, reply.json]).toEqual([
      400,
      { Error: `enableFaultInjection is not enabled for task: ${world.task.spec.arn}` },
    ]);
  });

  it.each(['bridge', 'none'] as const)('of a task in mode %s cannot be served (TMDS-62)', async (mode) => {
    await using world = open({ mode });
    const id = world.api.ids.idOf(world.task.spec, 'app');
    const reply = await world.post('network-latency/start', LATENCY);
    expect([reply.status, reply.json]).toEqual([
      500,
      { Error: `failed to get task metadata due to internal server error for container: ${id}` },
    ]);
  });

  it('with an unknown id are not found', async () => {
    await using world = open();
    const reply = await world.api.request(HOST, '/api/nope/fault/v1/network-latency/status', {
      method: 'POST',
    });
    expect([reply.status, reply.json]).toEqual([
      404,
      { Error: 'unable to get task arn from request: unable to get task Arn from v3 endpoint ID: nope' },
    ]);
  });

  it('say what is to happen where: names without regard to case, unknown members passed over', async () => {
    await using world = open({ mode: 'awsvpc' });
    const place = { kind: 'process', task: 'one', pid: 4711 };
    const body = { dElayMilliseconds: 5, JITTERMILLISECONDS: 1, sources: ['::1'], other: true };
    expect((await world.post('network-latency/start', body)).json).toEqual({ Status: 'running' });
    expect((await world.post('network-latency/stop')).json).toEqual({ Status: 'stopped' });
    expect((await world.post('network-packet-loss/status')).json).toEqual({ Status: 'not-running' });
    const effect = { delayMs: 5, jitterMs: 1 };
    expect(world.faults.calls).toEqual([
      [
        'start',
        place,
        { kind: 'network-latency', effect, sources: ['::1'], sourcesToFilter: [], flowsPercent: 100 },
      ],
      ['stop', place, { kind: 'network-latency' }],
      ['status', place, { kind: 'network-packet-loss' }],
    ]);
  });

  it.each([
    ['network-latency', 'latency'],
    ['network-packet-loss', 'packet loss'],
  ] as const)('are told that %s runs already (TMDS-68)', async (running, words) => {
    const faults = new RecordedFaults();
    await using world = open({}, { faults: Object.assign(faults, { start: async () => ({ running }) }) });
    for (const [kind, body] of [
      ['network-latency', LATENCY],
      ['network-packet-loss', LOSS],
    ] as const) {
      const reply = await world.post(`${kind}/start`, body);
      expect([reply.status, reply.json]).toEqual([
        409,
        { Error: `There is already one network ${words} fault running` },
      ]);
    }
  });

  it('that the host cannot fulfil are an internal error, whose cause the log tells', async () => {
    const failure = new Error('tc: Specified qdisc kind is unknown.');
    const faults = Object.assign(new RecordedFaults(), { start: () => Promise.reject(failure) });
    await using world = open({}, { faults });
    const reply = await world.post('network-latency/start', LATENCY);
    expect([reply.status, reply.json]).toEqual([500, { Error: 'internal error' }]);
    expect(world.api.faultFailures).toEqual([failure]);
  });

  it('may come once in five seconds on one path, each path for itself (TMDS-71)', async () => {
    await using world = open({}, { faultLimit: FAULT_LIMIT, limit: { steady: 40, burst: 60 } });
    expect((await world.post('network-latency/status')).status).toBe(200);
    const reply = await world.post('network-latency/status');
    expect([reply.status, reply.body]).toEqual([429, 'You have reached maximum request limit']);
    expect(reply.headers['x-rate-limit-limit']).toBe('40.00, 0.20');
    expect((await world.post('network-packet-loss/status')).status).toBe(200);
  });
});
