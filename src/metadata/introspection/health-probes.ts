import { withDeadline } from '../../async/deadline.ts';

/** What came of asking a part of the agent whether it works. */
export interface ProbeResult {
  readonly ok: boolean;
  /** How long the answer took, ms. */
  readonly ms: number;
  /** Why it does not work. */
  readonly reason?: string;
}

export interface HealthProbesOptions {
  /** Proof that the runtime answers. */
  pingRuntime(signal: AbortSignal): Promise<void>;
  /** Proof that the store can be written. */
  writeStore(): Promise<unknown>;
}

export interface HealthResults {
  readonly runtime: ProbeResult;
  readonly store: ProbeResult;
}

const LIMIT_MS = 2000;
/** Whoever asks more often is told the last results. */
const FRESH_MS = 1000;

/** Asks runtime and store whether they work; callers who come together, or soon after another, share the results. */
export class HealthProbes {
  readonly #options: HealthProbesOptions;
  #latest: Promise<HealthResults> | undefined;

  constructor(options: HealthProbesOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  check(): Promise<HealthResults> {
    this.#latest ??= this.#ask().finally(() => {
      setTimeout(() => {
        this.#latest = undefined;
      }, FRESH_MS).unref();
    });
    return this.#latest;
  }

  async #ask(): Promise<HealthResults> {
    const { pingRuntime, writeStore } = this.#options;
    const [runtime, store] = await Promise.all([
      probe('asking the container runtime', pingRuntime),
      probe('writing the state database', writeStore),
    ]);
    return { runtime, store };
  }
}

async function probe(what: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<ProbeResult> {
  const begun = performance.now();
  const ms = () => Math.round((performance.now() - begun) * 10) / 10;
  try {
    await withDeadline(what, LIMIT_MS, new AbortController().signal, work);
    return { ok: true, ms: ms() };
  } catch (error) {
    return { ok: false, ms: ms(), reason: error instanceof Error ? error.message : String(error) };
  }
}
