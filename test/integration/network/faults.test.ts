import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetworkFaults, observeFaultProblem } from '../../../src/network/fault/network-faults.ts';
import type { BlackholeFault, FaultPlace, FlowFault } from '../../../src/task/fault.ts';
import { taskArn, taskIdOf } from '../../../src/task/ids.ts';
import { fetchFrom, HOST, NetworkHost, servePorts } from '../../support/network-host.ts';
import { run } from '../../support/run.ts';
import { type RunningProcess, runningProcess } from '../../support/running-process.ts';
import { until } from '../../support/until.ts';

const { signal } = new AbortController();
const faults = new NetworkFaults();
const EGRESS: BlackholeFault = {
  kind: 'network-blackhole-port',
  port: 8080,
  protocol: 'tcp',
  trafficType: 'egress',
  sourcesToFilter: [],
};

/** Something answers, be it late on a busy machine. */
const answered = (fetched: () => Promise<string | undefined>) =>
  until(async () => (await fetched()) !== undefined, { what: 'it answers' });

/** A played host is the task's network: a process in it stands for the task's container. */
describe('the fault that drops what goes to a port', () => {
  let task: NetworkHost;
  let process: RunningProcess;
  let place: FaultPlace;
  beforeEach(async () => {
    task = await NetworkHost.create('fault', { ipv6: true });
    process = runningProcess(task.command('sleep', ['1000']));
    place = { kind: 'process', task: taskIdOf(taskArn('arn:x/task')), pid: await process.pidIn(task.name) };
  });
  afterEach(async () => {
    process[Symbol.dispose]();
    await task[Symbol.asyncDispose]();
  });

  const rules = (program: 'iptables' | 'ip6tables') => task.run(program, '-w', '5', '-S');

  it('has a chain of its own at the head of OUTPUT in both families, and takes it away again (TMDS-63, TMDS-119, TMDS-121)', async () => {
    await task.run('iptables', '-A', 'OUTPUT', '-p', 'udp', '--dport', '9', '-j', 'ACCEPT');
    const before = [await rules('iptables'), await rules('ip6tables')];
    expect(await faults.start(place, EGRESS, signal)).toBe('running');
    for (const program of ['iptables', 'ip6tables'] as const) {
      const lines = (await rules(program)).split('\n');
      expect(lines).toContain('-N egress-tcp-8080');
      expect(lines).toContain('-A egress-tcp-8080 -p tcp -m tcp --dport 8080 -j DROP');
      expect(lines.find((line) => line.startsWith('-A OUTPUT'))).toBe('-A OUTPUT -j egress-tcp-8080');
    }
    expect(await faults.status(place, EGRESS, signal)).toBe('running');
    expect(await faults.stop(place, EGRESS, signal)).toBe('stopped');
    expect([await rules('iptables'), await rules('ip6tables')]).toEqual(before);
    expect(await faults.status(place, EGRESS, signal)).toBe('not-running');
  });

  it('changes nothing when it is started or stopped again (TMDS-65, TMDS-122)', async () => {
    await faults.start(place, EGRESS, signal);
    const running = await rules('iptables');
    expect(await faults.start(place, { ...EGRESS, sourcesToFilter: ['1.2.3.4'] }, signal)).toBe('running');
    expect(await rules('iptables')).toBe(running);
    for (let time = 0; time < 2; time++) expect(await faults.stop(place, EGRESS, signal)).toBe('stopped');
  });

  it('lets through what is to stay reachable, before it drops the rest (TMDS-120)', async () => {
    const sourcesToFilter = ['10.1.0.0/16', 'fd01::/64', '10.2.0.1'];
    await faults.start(place, { ...EGRESS, sourcesToFilter }, signal);
    const inChain = async (program: 'iptables' | 'ip6tables') =>
      (await rules(program)).split('\n').filter((line) => line.startsWith('-A egress-tcp-8080'));
    expect(await inChain('iptables')).toEqual([
      '-A egress-tcp-8080 -d 10.1.0.0/16 -p tcp -m tcp --dport 8080 -j ACCEPT',
      '-A egress-tcp-8080 -d 10.2.0.1/32 -p tcp -m tcp --dport 8080 -j ACCEPT',
      '-A egress-tcp-8080 -p tcp -m tcp --dport 8080 -j DROP',
    ]);
    expect(await inChain('ip6tables')).toEqual([
      '-A egress-tcp-8080 -d fd01::/64 -p tcp -m tcp --dport 8080 -j ACCEPT',
      '-A egress-tcp-8080 -p tcp -m tcp --dport 8080 -j DROP',
    ]);
  });

  it('keeps packets of the task from the port, and of nobody else (TMDS-70)', async () => {
    using _ = servePorts(task.outside, 'out', 'tcp:8080');
    const fetched = () => fetchFrom(task.name, HOST.outside4, 8080);
    await answered(fetched);
    const ours = await run('iptables', ['-w', '5', '-S']);
    await faults.start(place, EGRESS, signal);
    expect(await fetched()).toBeUndefined();
    await answered(() => fetchFrom(task.outside, HOST.outside4, 8080));
    expect(await run('iptables', ['-w', '5', '-S'])).toBe(ours);
    await faults.stop(place, EGRESS, signal);
    await answered(fetched);
  });

  it('keeps others from a port of the task', async () => {
    using _ = servePorts(task.name, 'in', 'tcp:8080');
    const fetched = () => fetchFrom(task.outside, HOST.inside4, 8080);
    await answered(fetched);
    const ingress: BlackholeFault = { ...EGRESS, trafficType: 'ingress' };
    await faults.start(place, ingress, signal);
    expect(await rules('iptables')).toContain('-A INPUT -j ingress-tcp-8080');
    expect(await fetched()).toBeUndefined();
    await faults.stop(place, ingress, signal);
    await answered(fetched);
  });

  it('never cuts a task off from its credentials (TMDS-64)', async () => {
    await task.run('ip', 'addr', 'add', '169.254.170.2/32', 'dev', 'lo');
    using _ = servePorts(task.name, 'endpoint', 'tcp:80');
    const fetched = () => fetchFrom(task.name, '169.254.170.2', 80);
    await answered(fetched);
    await faults.start(place, { ...EGRESS, port: 80 }, signal);
    expect(await fetchFrom(task.name, HOST.inside4, 80)).toBeUndefined();
    await answered(fetched);
  });

  it('takes up what a run that was killed left half-made', async () => {
    await task.run('iptables', '-N', 'egress-tcp-8080');
    await task.run('iptables', '-I', 'OUTPUT', '-j', 'egress-tcp-8080');
    expect(await faults.start(place, EGRESS, signal)).toBe('running');
    await faults.stop(place, EGRESS, signal);
    expect(await rules('iptables')).not.toContain('egress-tcp-8080');
  });

  it('acts on the host for a task of host mode', async () => {
    using _ = task.enter();
    await faults.start({ kind: 'host' }, EGRESS, signal);
    expect(await rules('iptables')).toContain('-N egress-tcp-8080');
    await faults.stop({ kind: 'host' }, EGRESS, signal);
  });

  it('that delays or loses packets fails where the kernel cannot, and the host says so beforehand', async () => {
    const fault: FlowFault = {
      kind: 'network-latency',
      effect: { delayMs: 1, jitterMs: 0 },
      sources: ['10.0.0.1'],
      sourcesToFilter: [],
      flowsPercent: 1,
    };
    const problem = await observeFaultProblem();
    const started = faults.start(place, fault, signal).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    // Whichever it is on this kernel, both say the same.
    expect((await started) === undefined).toBe(problem === undefined);
  });
});
