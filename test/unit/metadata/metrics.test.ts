import { describe, expect, it } from 'vitest';
import { AgentMetrics } from '../../../src/metadata/metrics/agent-metrics.ts';
import { Counter, expose, gauge, Histogram } from '../../../src/metadata/metrics/exposition.ts';
import type { Transition } from '../../../src/task/timeline.ts';
import { sampleTask } from '../store/sample-task.ts';
import { agentView } from './introspection-world.ts';

describe('the text of metrics', () => {
  it('has buckets that add up, a sum and a count', () => {
    const seconds = new Histogram({ name: 'a_seconds', help: 'Times.' }, [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe({ of: 'x' }, value);
    expect(expose([seconds])).toBe(
      [
        '# HELP a_seconds Times.',
        '# TYPE a_seconds histogram',
        'a_seconds_bucket{of="x",le="0.1"} 2',
        'a_seconds_bucket{of="x",le="1"} 3',
        'a_seconds_bucket{of="x",le="+Inf"} 4',
        'a_seconds_sum{of="x"} 7.65',
        'a_seconds_count{of="x"} 4',
        '',
      ].join('\n'),
    );
  });

  it('escapes values of labels', () => {
    const count = new Counter({ name: 'b_total', help: 'B.' });
    count.add({ of: 'a"b\\c\nd' }, 2);
    expect(expose([count])).toContain('b_total{of="a\\"b\\\\c\\nd"} 2\n');
    expect(expose([gauge({ name: 'c', help: 'C.' }, [[{}, 3]])])).toContain('\nc 3\n');
  });
});

describe('what the agent measures of itself', () => {
  const task = sampleTask('one', { receivedAt: 1000, admittedAt: 3000, known: 'RUNNING' });
  const move = (change: Partial<Transition>): Transition => ({
    at: 10_000,
    what: 'known',
    from: 'NONE',
    to: 'MANIFEST_PULLED',
    lasted: 2500,
    why: 'imageResolved',
    ...change,
  });

  it('has how long each phase of a start took, the wait for the host apart', () => {
    const metrics = new AgentMetrics();
    metrics.moved(
      [
        move({ container: 'app' }),
        move({}),
        move({ container: 'app', from: 'MANIFEST_PULLED', to: 'PULLED', lasted: 4000 }),
        move({ from: 'CREATED', to: 'RUNNING' }),
      ],
      task,
    );
    const text = metrics.expose(agentView([task]));
    const sum = (phase: string) =>
      new RegExp(`^ecs_agent_task_start_seconds_sum\\{phase="${phase}"\\} (.*)$`, 'm').exec(text)?.[1];
    expect([sum('host'), sum('resolve'), sum('pull'), sum('total')]).toEqual(['2', '0.5', '4', '9']);
  });

  it('has pulls, steps, calls of the runtime, the outbox and both connections', () => {
    const metrics = new AgentMetrics();
    metrics.stepEnded('pullImage', 1500, 'done');
    metrics.stepEnded('createContainer', 20, 'failed');
    metrics.pulledLazily({ lazyLayers: 2, layers: 3 });
    metrics.pulledLazily({ lazyLayers: 0, layers: 3, inFull: 'it has no index' });
    metrics.called('start', 12, 'ok');
    metrics.answered(429);
    const [view] = agentView([task]).tasks;
    if (view === undefined) throw new Error('there is one');
    const text = metrics.expose(
      agentView([], {
        tasks: [{ ...view, underWay: [{ kind: 'pullImage', since: 0 }] }],
        outbox: { depth: 7, oldestAgeMs: 1500 },
        acs: { connected: false },
      }),
    );
    for (const line of [
      'ecs_agent_pulls_total{outcome="done"} 1',
      'ecs_agent_lazy_pulls_total{outcome="lazy"} 1',
      'ecs_agent_lazy_pulls_total{outcome="full"} 1',
      'ecs_agent_step_seconds_count{step="createContainer",outcome="failed"} 1',
      'ecs_agent_runtime_call_seconds_bucket{call="start",outcome="ok",le="0.025"} 1',
      'ecs_agent_task_requests_total{status="429"} 1',
      'ecs_agent_tasks{known="RUNNING",desired="RUNNING"} 1',
      'ecs_agent_steps_in_flight{step="pullImage"} 1',
      'ecs_agent_outbox_depth 7',
      'ecs_agent_outbox_oldest_seconds 1.5',
      'ecs_agent_acs_connected 0',
      'ecs_agent_tcs_connected 1',
    ])
      expect(text.split('\n')).toContain(line);
    // Each line is a comment or a sample.
    for (const line of text.trim().split('\n'))
      expect(line).toMatch(
        /^# (HELP|TYPE) [a-z_]+ .+$|^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [-+.\de]+$/,
      );
  });

  it('has what logs have counted by driver; nothing of it when the log service does not tell (LOG-82)', () => {
    const metrics = new AgentMetrics();
    const text = metrics.expose(agentView([task]), {
      awslogs: {
        ...{ bytesRead: 100, bytesDelivered: 60, linesDelivered: 6, retries: 2, blockedMs: 1500 },
        ...{ backlogBytes: 40, containers: 3 },
        dropped: { ring: { lines: 4, bytes: 33 } },
      },
    });
    for (const line of [
      'ecs_agent_log_read_bytes_total{driver="awslogs"} 100',
      'ecs_agent_log_delivered_bytes_total{driver="awslogs"} 60',
      'ecs_agent_log_delivered_lines_total{driver="awslogs"} 6',
      'ecs_agent_log_dropped_lines_total{driver="awslogs",reason="ring"} 4',
      'ecs_agent_log_dropped_bytes_total{driver="awslogs",reason="ring"} 33',
      'ecs_agent_log_retries_total{driver="awslogs"} 2',
      'ecs_agent_log_blocked_seconds_total{driver="awslogs"} 1.5',
      'ecs_agent_log_spool_bytes{driver="awslogs"} 40',
      'ecs_agent_log_containers{driver="awslogs"} 3',
    ])
      expect(text).toContain(`\n${line}\n`);
    expect(metrics.expose(agentView([task]))).not.toContain('ecs_agent_log_');
  });
});
