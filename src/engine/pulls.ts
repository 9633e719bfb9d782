import type { PullProgress } from '../image/images.ts';
import type { PullState } from '../task/why.ts';

interface Pull {
  readonly progress: PullProgress;
  /** Of the first report: what was here already does not count for the speed. */
  readonly first: { readonly at: number; readonly bytesDone: number };
  readonly at: number;
}

/** How far the pulls of one task are, by container. */
export class Pulls {
  readonly #pulls = new Map<string, Pull>();

  note(container: string, progress: PullProgress, at: number): void {
    const first = this.#pulls.get(container)?.first ?? { at, bytesDone: progress.bytesDone };
    this.#pulls.set(container, { progress, first, at });
  }

  end(container: string): void {
    this.#pulls.delete(container);
  }

  states(): ReadonlyMap<string, PullState> {
    return new Map([...this.#pulls].map(([container, pull]) => [container, stateOf(pull)]));
  }
}

/** The speed is the mean since the first report. */
function stateOf({ progress, first, at }: Pull): PullState {
  const took = at - first.at;
  const bytesPerSecond = took > 0 ? Math.round(((progress.bytesDone - first.bytesDone) / took) * 1000) : 0;
  const left = progress.bytesTotal - progress.bytesDone;
  return {
    ...progress,
    bytesPerSecond,
    ...(bytesPerSecond > 0 && { secondsLeft: Math.ceil(left / bytesPerSecond) }),
  };
}
