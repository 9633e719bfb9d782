import type { PullProgress } from '../../../image/images.ts';

/** At most five reports a second. */
const INTERVAL_MS = 200;

interface Layer {
  done: number;
  total: number;
  unpacked: boolean;
}

/** Makes progress of what dockerd tells while it pulls: one layer, one line, now and then. */
export class LayerProgress {
  readonly #publish: (progress: PullProgress) => void;
  readonly #layers = new Map<string, Layer>();
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(publish: (progress: PullProgress) => void) {
    this.#publish = publish;
  }

  line({
    id,
    status = '',
    current,
    total,
  }: {
    readonly id: string | undefined;
    readonly status: string | undefined;
    readonly current: number | undefined;
    readonly total: number | undefined;
  }): void {
    // The first line names the tag; layers come after.
    if (id === undefined || status.startsWith('Pulling from')) return;
    const layer = this.#layers.get(id) ?? { done: 0, total: 0, unpacked: false };
    this.#layers.set(id, layer);
    if (status === 'Downloading')
      Object.assign(layer, { done: current ?? layer.done, total: total ?? layer.total });
    if (status === 'Download complete') layer.done = layer.total;
    if (status === 'Pull complete' || status === 'Already exists') layer.unpacked = true;
    const now = performance.now();
    if (now - this.#toldAt < INTERVAL_MS && !layer.unpacked) return;
    this.#toldAt = now;
    const layers = [...this.#layers.values()];
    this.#publish({
      bytesDone: layers.reduce((sum, one) => sum + one.done, 0),
      bytesTotal: layers.reduce((sum, one) => sum + one.total, 0),
      layersUnpacked: layers.filter(({ unpacked }) => unpacked).length,
      layersTotal: layers.length,
    });
  }
}
