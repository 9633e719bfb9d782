import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startContainerd, type TestContainerd } from '../support/containerd.ts';
import { type PushedImage, pushTestImage } from '../support/push-image.ts';
import type { WireLine } from '../support/recording-control-plane.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { withDifferences } from './golden-differences.ts';
import {
  GOLDEN_SCENARIOS,
  OUTPUT_DIRECTORY,
  RECORDED_IMAGE,
  type Recording,
  readRecording,
  refusedTasks,
} from './golden-recording.ts';
import { type Replay, replay } from './golden-replay.ts';
import { type Wire, wireOf, withoutEarlyExitCodes } from './golden-wire.ts';

const NAMESPACE = `ecs-t${process.pid}`;

/** The same lines of a recording and of our run, in comparable form. */
class Sides {
  readonly #recording: Recording;
  readonly #ours: Replay;
  readonly #image: string;

  constructor(recording: Recording, ours: Replay, image: string) {
    this.#recording = recording;
    this.#ours = ours;
    this.#image = image;
  }

  of(test: (line: WireLine) => boolean): {
    readonly ours: readonly Wire[];
    readonly expected: readonly Wire[];
  } {
    const isWanted = (line: WireLine) => line.dir === 'in' && test(line);
    return {
      ours: this.#ours.lines.filter(isWanted).map((line) => wireOf(line, this.#image)),
      expected: this.#recording.lines
        .filter(isWanted)
        .map((line) => withDifferences(wireOf(line, RECORDED_IMAGE))),
    };
  }
}

const isReport = ({ op }: WireLine) => op === 'SubmitTaskStateChange';
const isStart = ({ ch, op }: WireLine) =>
  ch === 'imds' || op === 'RegisterContainerInstance' || op === 'DiscoverPollEndpoint';

describe.each(GOLDEN_SCENARIOS)('the recorded scenario %s', (name) => {
  const recording = readRecording(name);
  const refused = refusedTasks(recording);
  const isRefused = (task: unknown) => refused.some(({ arn }) => arn === task);
  let containerd: TestContainerd;
  let registry: TestRegistry;
  let pushed: PushedImage;
  let run: Replay;
  let sides: Sides;

  beforeAll(async () => {
    [containerd, registry] = await Promise.all([startContainerd(), startRegistry()]);
    pushed = await pushTestImage(registry, 'bb:v1', {
      layers: [[{ path: OUTPUT_DIRECTORY.slice(1), type: 'directory', mode: 0o1777 }]],
    });
    run = await replay(recording, {
      containerd,
      image: pushed.image,
      reference: pushed.reference,
      namespace: NAMESPACE,
      refused: new Set(refused.map(({ arn }) => arn)),
    });
    sides = new Sides(recording, run, pushed.reference);
  }, 300_000);
  afterAll(async () => {
    await containerd?.stop();
    await registry?.stop();
  });

  it('starts with the same look-ups and calls in the same order', () => {
    const { ours, expected } = sides.of(isStart);
    expect(ours).toEqual(expected);
  });

  it('connects with the same upgrades once it knows the endpoints (OBS-45, OBS-47, OBS-50)', () => {
    for (const channel of ['acs', 'tcs']) {
      const { ours, expected } = sides.of(({ ch, event }) => ch === channel && event === 'upgrade');
      expect(ours).toEqual(expected);
    }
    const positions = run.lines.map(({ op, event }) => op ?? event);
    expect(positions.indexOf('upgrade')).toBeGreaterThan(positions.indexOf('DiscoverPollEndpoint'));
  });

  it('answers ACS with the same messages in the same order (ACS-26, OBS-53)', () => {
    const { ours, expected } = sides.of(({ ch, event }) => ch === 'acs' && event === 'message');
    expect(ours).toEqual(expected);
  });

  it('sends the same first metrics message (OBS-52, OBS-54)', () => {
    const { ours, expected } = sides.of(({ ch, event }) => ch === 'tcs' && event === 'message');
    expect(ours[0]).toEqual(expected[0]);
  });

  it('reports the same state changes of each task in the same order (OBS-01, OBS-05, ECS-54)', () => {
    const arns = new Set(sides.of(isReport).expected.map(({ body }) => body?.task));
    for (const arn of arns) {
      if (isRefused(arn)) continue;
      const { ours, expected } = sides.of((line) => isReport(line) && line.body?.task === arn);
      expect(withoutEarlyExitCodes(ours)).toEqual(withoutEarlyExitCodes(expected));
    }
    const others = sides.of(({ ch, op }) => ch === 'ecs-api' && op === 'SubmitContainerStateChange').ours;
    expect(others).toEqual([]);
  });

  it('stops each task that asks for what it cannot do, naming the fields (OBS-16)', () => {
    for (const { arn, fields } of refused) {
      const { ours } = sides.of((line) => isReport(line) && line.body?.task === arn);
      const [report, ...more] = ours.map(({ body }) => body);
      expect(more).toEqual([]);
      expect(report).toEqual({ cluster: 'peer', task: arn, status: 'STOPPED', reason: expect.any(String) });
      for (const field of fields) expect(report?.reason).toContain(field);
    }
  });

  it('ends on SIGTERM without close frames, with status 0 (OBS-49)', () => {
    const { ours, expected } = sides.of(({ event }) => event === 'closed');
    const byChannel = (a: Wire, b: Wire) => a.ch.localeCompare(b.ch);
    expect(ours.toSorted(byChannel)).toEqual(expected.toSorted(byChannel));
    expect(run.exitCode).toBe(0);
  });
});
