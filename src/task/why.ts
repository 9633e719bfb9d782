import { sayHealth } from './health.ts';
import type { HostWait, Shortage } from './host-resources.ts';
import { taskIdOf } from './ids.ts';
import { describeLaziness, type Laziness } from './laziness.ts';
import type { Plan } from './plan.ts';
import { type Step, type StepKind, stepContainer } from './step.ts';
import type { ContainerState, TaskState } from './task-state.ts';
import { standsSince, type Wait } from './wait.ts';

/** Why a task, or one container of it, does not move right now. */
export interface Explanation {
  /** Absent: it concerns the whole task. */
  readonly container?: string;
  /** What kind of thing is waited for; a step's kind where one is under way. */
  readonly reason: Wait['kind'] | StepKind;
  /** Epoch ms. */
  readonly since: number;
  /** A sentence without its subject, `waits for …`. */
  readonly what: string;
  /** What would let it go on. */
  readonly unblock: string;
}

/** How far the steps of the plan are; what the pure core cannot know. */
export interface Activity {
  readonly underWay: readonly StepUnderWay[];
  readonly stuck: readonly StuckStep[];
  /** Pulls under way, by container. */
  readonly pulls: ReadonlyMap<string, PullState>;
  readonly hostWait?: HostWait;
}

export interface StepUnderWay {
  readonly kind: StepKind;
  readonly container?: string;
  /** Epoch ms. */
  readonly since: number;
}

/** A step that could not be done yet. */
export interface StuckStep extends StepUnderWay {
  readonly tries: number;
  /** Of the last try. */
  readonly error: string;
  /** Epoch ms of the next try. */
  readonly retryAt: number;
}

export interface PullState {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly bytesPerSecond: number;
  /** At that speed, until the last byte is here; absent while nothing is known of the speed. */
  readonly secondsLeft?: number;
  readonly layersUnpacked: number;
  readonly layersTotal: number;
  /** What went wrong last, while it is tried again. */
  readonly trouble?: string;
  /** Of a snapshotter that can pull lazily, once something is known of it. */
  readonly laziness?: Laziness;
}

interface Said {
  readonly what: string;
  readonly unblock: string;
}

/**
 * For everything of a task that is not where it is wanted, what it waits for, since when and what would let it go
 * on. Empty for a task that is as it is wanted. Pure; `at` is epoch ms.
 */
export function explain(
  state: TaskState,
  plan: Plan,
  activity: Activity,
  at: number,
): readonly Explanation[] {
  const steps = plan.steps
    .filter(({ kind }) => kind !== 'probeHealth')
    .map((step) => explainStep(state, step, activity, at));
  const waits = plan.waits.map((wait): Explanation => {
    const { container, kind, since } = wait;
    return { ...named(container), reason: kind, since, ...sayWait(state, wait, at) };
  });
  return [...steps, ...waits];
}

function explainStep(state: TaskState, step: Step, activity: Activity, at: number): Explanation {
  const name = stepContainer(step);
  const isIt = (other: StepUnderWay) => other.kind === step.kind && other.container === name;
  const container = state.containers.find((c) => c.name === name);
  const running = activity.underWay.find(isIt);
  const stuck = activity.stuck.find(isIt);
  const said = sayStep(state, step, container, activity, at);
  const since =
    step.kind === 'takeHostResources'
      ? state.receivedAt
      : (stuck?.since ?? running?.since ?? standsSince(state, container));
  const failing = stuck && {
    what: `${said.what}; ${stuck.tries === 1 ? 'it failed' : `it failed ${stuck.tries} times`}, last with: ${stuck.error}`,
    unblock:
      running === undefined
        ? `it is tried again in ${seconds(stuck.retryAt - at)}, and until it works`
        : 'it is being tried again right now, and until it works',
  };
  return { ...named(name), reason: step.kind, since, ...(failing ?? said) };
}

function sayStep(
  state: TaskState,
  step: Step,
  container: ContainerState | undefined,
  activity: Activity,
  at: number,
): Said {
  const spec = state.spec.containers.find(({ name }) => name === container?.name);
  switch (step.kind) {
    case 'takeHostResources':
      return sayHostWait(activity.hostWait);
    case 'ensureResources':
      return { what: "waits for the task's cgroup, which is being made", unblock: 'the end of that' };
    case 'fetchSecrets':
      return {
        what: `waits for its secrets and environment files, which are being fetched (${namesOfFetched(state.spec)})`,
        unblock: 'the answers of SSM Parameter Store, Secrets Manager and S3',
      };
    case 'resolveImage':
      return {
        what: `asks the registry which digest ${spec?.image ?? 'its image'} has${sayTrouble(activity.pulls.get(step.container))}`,
        unblock: "the registry's answer; without one the pull is tried nevertheless",
      };
    case 'pullImage':
      return {
        what: sayPull(spec?.image ?? 'its image', activity.pulls.get(step.container)),
        unblock: 'the end of the pull',
      };
    case 'createContainer':
      return { what: 'is being created', unblock: "the runtime's answer" };
    case 'startContainer':
      return { what: 'is being started', unblock: "the runtime's answer" };
    case 'restartContainer':
      return {
        what: `is being started again by its restart policy, for the ${container?.restarts?.count ?? 1}. time`,
        unblock: "the runtime's answer",
      };
    case 'stopContainer':
      return at < step.killAtMs
        ? {
            what: 'has been told to stop and has not ended yet',
            unblock: `its end, or SIGKILL in ${seconds(step.killAtMs - at)} (stopTimeout)`,
          }
        : {
            what: 'is past its stopTimeout and is being killed, within 10 s where the agent was away; its processes are not all gone yet',
            unblock: 'the end of its last process; one in a system call that hangs cannot be killed',
          };
    case 'releaseTaskNetwork':
      return { what: 'is over and its ENI is being given back', unblock: 'the end of that' };
    case 'releaseContainer':
      return { what: 'has ended and its log is being completed', unblock: 'the last line of its log' };
    case 'probeHealth':
      return { what: 'has its health checked', unblock: 'the end of the check' };
    case 'removeContainer':
    case 'removeResources':
    case 'forgetTask':
      return { what: 'is being cleaned up', unblock: 'the end of that' };
  }
}

function sayWait(state: TaskState, wait: Wait, at: number): Said {
  switch (wait.kind) {
    case 'dependency':
      return sayDependency(state, wait, at);
    case 'taskResources':
      return { what: "waits for the task's cgroup", unblock: 'the cgroup' };
    case 'secrets':
      return { what: 'waits for its secrets and environment files', unblock: 'the end of their fetching' };
    case 'dependants':
      return {
        what: `is to stop, after those that depend on it: ${wait.names.join(', ')}`,
        unblock: 'their end',
      };
    case 'reports':
      return {
        what: `is over; ECS has not taken ${wait.count === 1 ? 'a report' : `${wait.count} reports`} of it yet`,
        unblock: 'an answer of ECS',
      };
    case 'cleanup':
      return {
        what: 'is over and kept to be looked at',
        unblock: `in ${seconds(wait.until - at)} it is removed (ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION)`,
      };
  }
}

const CONDITION_TEXTS = {
  CREATE: 'to be created',
  START: 'to be started',
  COMPLETE: 'to end',
  SUCCESS: 'to end with exit code 0',
  HEALTHY: 'to be healthy',
} as const;

function sayDependency(state: TaskState, wait: Wait & { kind: 'dependency' }, at: number): Said {
  const { on, until } = wait;
  const dependency = state.containers.find(({ name }) => name === on.containerName);
  const health = on.condition === 'HEALTHY' ? sayHealth(dependency) : '';
  return {
    what: `waits for container "${on.containerName}" ${CONDITION_TEXTS[on.condition]}; that is ${dependency?.known ?? 'not there'}${health}`,
    unblock:
      `"${on.containerName}" ${CONDITION_TEXTS[on.condition]}` +
      (Number.isFinite(until) ? `; the wait fails in ${seconds(until - at)} (its startTimeout)` : ''),
  };
}

function sayHostWait(wait: HostWait | undefined): Said {
  if (wait === undefined)
    return { what: 'is about to get its share of the host', unblock: 'nothing is in its way' };
  if (wait.kind === 'behind')
    return {
      what: `waits for its turn behind task ${taskIdOf(wait.task)}, as tasks get their share of the host in the order of their arrival`,
      unblock: `task ${taskIdOf(wait.task)} gets its share or is stopped`,
    };
  return sayShortage(wait.shortage);
}

function sayShortage(shortage: Shortage): Said {
  if (shortage.kind === 'port') {
    const { port, holder } = shortage;
    return {
      what: `waits for ${port.protocol} port ${port.port} of the host, which task ${taskIdOf(holder)} holds`,
      unblock: `the end of task ${taskIdOf(holder)}`,
    };
  }
  if (shortage.kind === 'gpu') {
    const { id, holder } = shortage;
    return {
      what: `waits for GPU ${id} of the host, which task ${taskIdOf(holder)} holds`,
      unblock: `the end of task ${taskIdOf(holder)}`,
    };
  }
  const { kind, needed, free, total } = shortage;
  const [unit, thing] = kind === 'cpu' ? ['CPU units', 'CPU'] : ['MiB of memory', 'memory'];
  return {
    what: `waits for ${needed} ${unit}: ${Math.max(0, free)} of the host's ${total} are not taken by other tasks`,
    unblock: `other tasks end and give back ${thing}`,
  };
}

function sayPull(image: string, pull: PullState | undefined): string {
  if (pull === undefined || pull.layersTotal === 0)
    return `pulls ${image}${sayTrouble(pull) || ': the registry has not told its layers yet'}`;
  const { bytesDone, bytesTotal, bytesPerSecond, secondsLeft, layersUnpacked, layersTotal } = pull;
  const percent = bytesTotal === 0 ? 100 : Math.floor((bytesDone / bytesTotal) * 100);
  return (
    `pulls ${image}: ${percent}% of ${megabytes(bytesTotal)} at ${megabytes(bytesPerSecond)}/s` +
    (secondsLeft === undefined || secondsLeft === 0 ? ', ' : `, ${secondsLeft} s left, `) +
    `${layersUnpacked} of ${layersTotal} layers unpacked${sayLaziness(pull)}${sayTrouble(pull)}`
  );
}

function sayLaziness({ laziness }: PullState): string {
  return laziness === undefined ? '' : `, ${describeLaziness(laziness)}`;
}

function sayTrouble(pull: PullState | undefined): string {
  return pull?.trouble === undefined ? '' : `; it failed and is tried again: ${pull.trouble}`;
}

/** Where they are, never what they are. */
function namesOfFetched({ containers }: TaskState['spec']): string {
  const places = containers.flatMap(({ secrets = [], environmentFiles = [] }) => [
    ...secrets.map(({ valueFrom }) => valueFrom),
    ...environmentFiles,
  ]);
  return [...new Set(places)].join(', ');
}

const megabytes = (bytes: number) => `${(bytes / 1_000_000).toFixed(1)} MB`;
const seconds = (ms: number) => `${Math.max(0, Math.ceil(ms / 1000))} s`;
const named = (container: string | undefined) => (container === undefined ? {} : { container });
