import { renderReason } from './errors.ts';
import type { TaskEvent } from './event.ts';
import { describeLaziness, type Laziness } from './laziness.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** One move of a task or of one of its containers, as it is kept for whoever asks later. */
export interface Transition {
  /** Epoch ms. */
  readonly at: number;
  /** Absent: it concerns the task as a whole. */
  readonly container?: string;
  /** What moved: the status, what ECS wants, or a container that ended and is started again. */
  readonly what: 'known' | 'desired' | 'restart';
  readonly from: string;
  readonly to: string;
  /** How long `from` had lasted, ms. */
  readonly lasted: number;
  /** Kind of the event that brought it; `received` for the task's arrival. */
  readonly why: TaskEvent['kind'] | 'received';
  /** Why it stopped; of a pull, whether it was lazy. */
  readonly reason?: string;
  readonly exitCode?: number;
}

/** The arrival of a task, also of one that is over at once. */
export function arrivalOf(state: TaskState): Transition {
  return {
    at: state.receivedAt,
    what: 'known',
    from: 'ABSENT',
    to: state.known,
    lasted: 0,
    why: 'received',
    ...(state.stoppedReason !== '' && { reason: state.stoppedReason }),
  };
}

/** What is told of an event beside what it moved. */
interface Cause {
  readonly kind: TaskEvent['kind'];
  readonly laziness?: Laziness;
}

/** What an event moved, containers first; empty when nothing did. `at` is epoch ms. Pure. */
export function transitionsOf(
  before: TaskState,
  after: TaskState,
  cause: Cause,
  at: number,
): readonly Transition[] {
  if (before === after) return [];
  const why = cause.kind;
  const moves = after.containers.flatMap((container): readonly Transition[] => {
    const was = before.containers.find(({ name }) => name === container.name);
    return was === undefined ? [] : containerMoves(before, was, container, cause, at);
  });
  if (before.desired !== after.desired)
    moves.push({
      at,
      what: 'desired',
      from: before.desired,
      to: after.desired,
      lasted: at - before.receivedAt,
      why,
    });
  if (before.known !== after.known)
    moves.push({
      at,
      what: 'known',
      from: before.known,
      to: after.known,
      lasted: after.knownAt - before.knownAt,
      why,
      ...(after.known === 'STOPPED' && after.stoppedReason !== '' && { reason: after.stoppedReason }),
    });
  return moves;
}

function containerMoves(
  task: TaskState,
  before: ContainerState,
  after: ContainerState,
  { kind, laziness }: Cause,
  at: number,
): readonly Transition[] {
  const lasted = at - (before.knownAt ?? task.receivedAt);
  const common = { at, container: after.name, why: kind } as const;
  if (before.known !== after.known)
    return [
      {
        ...common,
        what: 'known',
        from: before.known,
        to: after.known,
        lasted,
        ...(after.exitCode !== undefined && { exitCode: after.exitCode }),
        ...(after.known === 'STOPPED' &&
          after.reason !== undefined && { reason: renderReason(after.reason) }),
        ...(laziness !== undefined && { reason: describeLaziness(laziness) }),
      },
    ];
  const count = after.restarts?.count ?? 0;
  if (count === (before.restarts?.count ?? 0)) return [];
  const exitCode = after.restarts?.exit?.exitCode;
  return [
    {
      ...common,
      what: 'restart',
      from: `run ${count}`,
      to: `run ${count + 1}`,
      lasted: at - (before.restarts?.at ?? before.startedAt ?? at),
      ...(exitCode !== undefined && { exitCode }),
    },
  ];
}
