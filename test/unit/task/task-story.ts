import { admitTask } from '../../../src/task/admit.ts';
import type { TaskEvent, TaskRules } from '../../../src/task/event.ts';
import { taskArn } from '../../../src/task/ids.ts';
import { plan } from '../../../src/task/plan.ts';
import { reduce } from '../../../src/task/reduce.ts';
import type { StateReport } from '../../../src/task/report.ts';
import type { DesiredStatus } from '../../../src/task/statuses.ts';
import type { ContainerSpec, TaskSpec } from '../../../src/task/task-spec.ts';
import type { TaskState } from '../../../src/task/task-state.ts';

export const RULES: TaskRules = {
  stopTimeoutMs: 30_000,
  cleanupWaitMs: 3 * 3_600_000,
  cleanupJitterMs: 0,
  pullFailureStops: false,
  pullUpfront: false,
};
export const DIGEST = `sha256:${'ab'.repeat(32)}`;
export const START = 1_800_000_000_000;

export function containerSpec(name: string, over: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name,
    image: '127.0.0.1:5000/busybox:1',
    essential: true,
    environment: {},
    cpu: 10,
    memoryMiB: 64,
    dependsOn: [],
    log: { driver: 'json-file', options: {} },
    options: {
      labels: {},
      terminal: false,
      openStdin: false,
      capabilitiesAdd: [],
      capabilitiesDrop: [],
      readonlyRootfs: false,
      ulimits: [],
      sysctls: {},
      dns: [],
      dnsSearch: [],
      extraHosts: [],
      tmpfs: {},
    },
    ...over,
  };
}

export function taskSpec(containers: readonly ContainerSpec[], over: Partial<TaskSpec> = {}): TaskSpec {
  return {
    arn: taskArn('arn:aws:ecs:us-west-2:123456789012:task/peer/7b6fb1d5d710d70b2558dc19a7bedc1d'),
    clusterArn: 'arn:aws:ecs:us-west-2:123456789012:cluster/peer',
    family: 'fam',
    version: '1',
    networkMode: 'host',
    containers,
    unsupported: [],
    ...over,
  };
}

/** One task's history, told event by event to the pure core; keeps every report that came of it. */
export class TaskStory {
  state: TaskState;
  readonly reports: StateReport[] = [];
  readonly rules: TaskRules;
  now = START - 10;

  constructor(
    spec: TaskSpec,
    options: {
      desired?: DesiredStatus;
      refusal?: string;
      rules?: Partial<TaskRules>;
      /** Has no share of the host yet. */
      waiting?: boolean;
    } = {},
  ) {
    this.rules = { ...RULES, ...options.rules };
    const admission = admitTask(spec, options.desired ?? 'RUNNING', options.refusal, this.now + 10);
    this.state = admission.state;
    this.reports.push(...admission.reports);
    if (options.waiting !== true) this.tell({ kind: 'hostResourcesTaken' });
  }

  tell(...events: readonly TaskEvent[]): this {
    for (const event of events) {
      this.now += 10;
      const reduced = reduce(this.state, event, this.now, this.rules);
      this.state = reduced.state;
      this.reports.push(...reduced.reports);
    }
    return this;
  }

  resolve(...names: readonly string[]): this {
    for (const container of names) this.tell({ kind: 'imageResolved', container, digest: DIGEST });
    return this;
  }

  /** Brings containers up to their start, as their steps would; digests are resolved first, as they are. */
  run(...names: readonly string[]): this {
    this.tell({ kind: 'resourcesReady' }).resolve(...names);
    for (const container of names)
      this.tell(
        { kind: 'imagePulled', container, imageName: 'busybox', imageId: DIGEST },
        { kind: 'containerCreated', container },
        { kind: 'containerStarted', container, pid: 42, startedAt: this.now },
      );
    return this;
  }

  exit(container: string, exitCode: number, oomKilled = false): this {
    return this.tell({
      kind: 'containerStopped',
      container,
      exit: { exitCode, exitedAt: this.now, oomKilled },
    });
  }

  passMs(ms: number): this {
    this.now += ms;
    return this.tell({ kind: 'tick' });
  }

  plan() {
    return plan(this.state, this.now, this.rules);
  }

  steps(): readonly string[] {
    return this.plan().steps.map((step) =>
      'container' in step ? `${step.kind} ${step.container}` : step.kind,
    );
  }

  container(name: string) {
    const found = this.state.containers.find((c) => c.name === name);
    if (found === undefined) throw new Error(`no container ${name}`);
    return found;
  }

  /** Each report as `TASKSTATUS container=STATUS,…`. */
  told(): readonly string[] {
    return this.reports.map((report) =>
      `${report.status} ${report.containers.map((c) => `${c.containerName}=${c.status}`).join(',')}`.trim(),
    );
  }
}
