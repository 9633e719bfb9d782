import { troubleOf } from '../../../image/pull-errors.ts';
import { RegistryError } from '../../../image/registry/registry-error.ts';
import { findSociIndex } from '../../../image/soci-index.ts';
import type { Laziness } from '../../../task/laziness.ts';
import { ContainerdError } from '../containerd-error.ts';
import type { ManifestSource, ResolvedManifest } from './fetch-manifest.ts';
import { type LazyImage, lazyLabels } from './lazy-labels.ts';
import {
  type Extraction,
  type LayerToUnpack,
  prepareLayer,
  removeExtraction,
  type UnpackPlace,
} from './unpack-layer.ts';

export interface LazyPullOptions extends Pick<ManifestSource, 'registry' | 'target'> {
  readonly place: UnpackPlace;
  /** Name of the image. */
  readonly name: string;
  readonly resolved: ResolvedManifest;
  /** Told when layers that were expected to stay at the registry have to be fetched after all. */
  readonly onRefusal: () => void;
}

interface Call {
  readonly signal: AbortSignal;
}

const LOOK_UP_MS = 15_000;
/** The snapshotter gives itself 30 s for a layer, and for the first one it fetches its index before that. */
const OFFER_MS = 90_000;
const NOTHING: ReadonlySet<string> = new Set();

/**
 * Leaves layers at the registry, for a snapshotter that reads them there when they are needed (containerd.md §7.1).
 * Layers that the image's SOCI index has are offered to it, one by one from the bottom; with the first that it does
 * not take the rest is pulled in full, and why is kept.
 */
export class LazyPull {
  readonly #options: LazyPullOptions;
  /** Undefined until it was looked for, and where there is none. */
  #image: LazyImage | undefined;
  #lookedUp = false;
  #lazyLayers = 0;
  /** Why layers are not offered any more. */
  #refusal: string | undefined;
  /** Whether a layer had to be fetched, by whomever. */
  #fetched = false;
  #offering = false;

  constructor(options: LazyPullOptions) {
    this.#options = options;
  }

  /** Whether the snapshotter is busy with a layer, of which it tells nothing before the end. */
  get busy(): boolean {
    return this.#offering;
  }

  /** Digests of the layers that need not be fetched, as far as is known now. */
  get expected(): ReadonlySet<string> {
    return this.#refusal === undefined ? (this.#image?.index.layers ?? NOTHING) : NOTHING;
  }

  /** Undefined while nothing of the image was left at the registry and nothing had to be fetched. */
  get laziness(): Laziness | undefined {
    const lazyLayers = this.#lazyLayers;
    const inFull = this.#fetched ? this.#refusal : undefined;
    if (lazyLayers === 0 && inFull === undefined) return undefined;
    const layers = this.#options.resolved.manifest.layers.length;
    return { lazyLayers, layers, ...(inFull !== undefined && { inFull }) };
  }

  /** A layer of the image is at the registry, by this pull or an earlier one. */
  left(): void {
    this.#lazyLayers += 1;
  }

  /** As `prepareLayer`, which it is for layers that are not offered to the snapshotter. */
  async prepare(layer: LayerToUnpack, call: Call): Promise<Extraction | 'remote' | 'local'> {
    if (!this.#lookedUp) await this.#lookUp(call);
    if (this.#image !== undefined && this.expected.has(layer.descriptor.digest)) {
      const taken = await this.#offer(this.#image, layer, call);
      if (taken !== undefined) return taken;
    }
    const prepared = await prepareLayer(this.#options.place, layer, call);
    if (typeof prepared !== 'string') this.#fetched = true;
    return prepared;
  }

  async #lookUp({ signal }: Call): Promise<void> {
    const { name, registry, resolved, target } = this.#options;
    const { document, manifest } = resolved;
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(LOOK_UP_MS)]);
    try {
      const index = await findSociIndex(registry, target, document, { signal: bounded });
      if (index === undefined) this.#refuse('the image has no SOCI index');
      else if (manifest.layers.every(({ digest }) => !index.layers.has(digest)))
        this.#refuse(`its SOCI index ${index.digest} has none of its layers`);
      else this.#image = { name, manifestDigest: document.digest, layers: manifest.layers, index };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RegistryError) && !bounded.aborted) throw error;
      this.#refuse(`its SOCI index could not be looked up: ${troubleOf(error, name)}`);
    }
    this.#lookedUp = true;
  }

  /** Undefined when the snapshotter has not taken the layer. */
  async #offer(
    image: LazyImage,
    layer: LayerToUnpack,
    { signal }: Call,
  ): Promise<'remote' | 'local' | undefined> {
    const { place } = this.#options;
    const { digest } = layer.descriptor;
    const labels = lazyLabels(image, layer.descriptor);
    this.#offering = true;
    try {
      const prepared = await prepareLayer(place, layer, { signal, labels, timeoutMs: OFFER_MS });
      if (prepared === 'local') {
        this.#fetched = true;
        this.#refuse(`the snapshotter has unpacked layer ${digest} itself`);
      }
      if (prepared === 'remote' || prepared === 'local') return prepared;
      // It may have begun to fill it.
      await removeExtraction(place, prepared.key);
      this.#refuse(`the snapshotter does not take layer ${digest}${this.#suspicion()}`);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ContainerdError) || error.code === 'UNAVAILABLE') throw error;
      this.#refuse(`the snapshotter does not take layer ${digest}: ${error.details}`);
    } finally {
      this.#offering = false;
    }
    return undefined;
  }

  /** It gives no reason for a refusal, but its log does. */
  #suspicion(): string {
    const { credentials, host } = this.#options.target;
    return credentials === undefined
      ? ', its log says why'
      : `, its log says why: it needs a login of its own for ${host}, as the task's cannot be handed to it`;
  }

  #refuse(reason: string): void {
    this.#refusal = reason;
    this.#options.onRefusal();
  }
}
