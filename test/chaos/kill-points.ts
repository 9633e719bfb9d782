import { STEP_BOUNDARIES } from '../../src/engine/step-boundary.ts';
import { NAMESPACE_PAUSE, NETWORK_PAUSE } from '../../src/task/internal-containers.ts';
import type { StepKind } from '../../src/task/step.ts';
import { randomFrom } from '../support/sample.ts';
import type { Shape } from './shapes.ts';

/** A step's boundaries, and somewhere between the first two. */
export const KILL_BOUNDARIES = [...STEP_BOUNDARIES, 'midway'] as const;
export type KillBoundary = (typeof KILL_BOUNDARIES)[number];

/** Where in the life of a task its agent is killed. */
export interface KillPoint {
  readonly shape: string;
  readonly kind: StepKind;
  /** Absent for steps of the task as a whole. */
  readonly container?: string;
  readonly boundary: KillBoundary;
  /** For `midway`: ms after the step has begun. */
  readonly afterMs: number;
}

/** Whose steps of a kind are met in a shape: containers, or the task itself. */
type Met = (shape: Shape) => readonly (string | undefined)[];
const ONCE: Met = () => [undefined];
const RUN: Met = ({ run }) => run;
const INTERNAL: Met = ({ sharesNamespaces, holdsNetwork }) => [
  ...(sharesNamespaces ? [NAMESPACE_PAUSE] : []),
  ...(holdsNetwork ? [NETWORK_PAUSE] : []),
];
/** What the agent makes, those of its own included. */
const MADE: Met = (shape) => [...shape.run, ...INTERNAL(shape)];

/** A new kind of step fails to compile until it stands here. */
const MET: { readonly [K in StepKind]: Met } = {
  takeHostResources: ONCE,
  ensureResources: ONCE,
  fetchSecrets: ({ executionRoleArn }) => (executionRoleArn === undefined ? [] : [undefined]),
  resolveImage: RUN,
  pullImage: RUN,
  createContainer: MADE,
  startContainer: MADE,
  restartContainer: ({ restarted }) => restarted,
  stopContainer: (shape) => [...shape.stopped, ...INTERNAL(shape)],
  probeHealth: ({ probed }) => probed,
  releaseTaskNetwork: ({ networkMode }) => (networkMode === 'awsvpc' ? [undefined] : []),
  releaseContainer: MADE,
  removeContainer: MADE,
  removeResources: ONCE,
  forgetTask: ONCE,
};
export const STEP_KINDS = Object.keys(MET) as StepKind[];

/** Stand for containers whose names have characters that a family may not have. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  [NAMESPACE_PAUSE, 'pause'],
  [NETWORK_PAUSE, 'netpause'],
]);
const LONG_NAMES = new Map([...SHORT_NAMES].map(([long, short]) => [short, long]));
const MIDWAY_MAX_MS = 40;

/** Every boundary of every step that these shapes go through. */
export function allKillPoints(shapes: readonly Shape[], seed: number): readonly KillPoint[] {
  const random = randomFrom(seed);
  return shapes.flatMap((shape) =>
    STEP_KINDS.flatMap((kind) =>
      MET[kind](shape).flatMap((container) =>
        KILL_BOUNDARIES.map((boundary) => ({
          shape: shape.name,
          kind,
          boundary,
          afterMs: Math.floor(random() * MIDWAY_MAX_MS),
          ...(container !== undefined && { container }),
        })),
      ),
    ),
  );
}

/** What of a point the tests promise to meet: a kind of step and a boundary. */
export const cellOf = ({ kind, boundary }: Pick<KillPoint, 'kind' | 'boundary'>) => `${kind} ${boundary}`;

/** At least one point for each kind of step and boundary, `count` in all, chosen by the seed. */
export function sampleKillPoints(
  points: readonly KillPoint[],
  count: number,
  seed: number,
): readonly KillPoint[] {
  const random = randomFrom(seed);
  const shuffled = points
    .map((point) => ({ point, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ point }) => point);
  const first = [...Map.groupBy(shuffled, cellOf).values()].flatMap((same) => same.slice(0, 1));
  const rest = shuffled.filter((point) => !first.includes(point));
  return [...first, ...rest.slice(0, Math.max(0, count - first.length))];
}

/** The family of the task `run` that meets a point: the agent under test reads the point back from it. */
export function familyOf(point: KillPoint, run: string): string {
  const { shape, kind, boundary, afterMs, container = '' } = point;
  const named = SHORT_NAMES.get(container) ?? container;
  return ['chaos', run, shape, kind, boundary, afterMs, named].join('_');
}

export function killPointOf(family: string): KillPoint {
  const [, , shape = '', kind = '', boundary = '', afterMs = '', container = ''] = family.split('_');
  return {
    shape,
    kind: kind as StepKind,
    boundary: boundary as KillBoundary,
    afterMs: Number(afterMs),
    ...(container !== '' && { container: LONG_NAMES.get(container) ?? container }),
  };
}
