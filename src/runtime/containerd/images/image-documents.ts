import {
  type Manifest,
  type ParsedImageConfig,
  parseImageConfig,
  parseManifest,
} from '../../../image/manifest.ts';
import type { ContainerdClient } from '../client.ts';
import { readBlob } from './content.ts';

const MAX_DOCUMENT_BYTES = 8 << 20;
const KEPT = 64;

interface Call {
  readonly signal: AbortSignal;
}

/** Manifests and configurations of local images. Those of a digest never change, so the last ones are kept. */
export class ImageDocuments {
  readonly #client: ContainerdClient;
  readonly #manifests = new Map<string, Manifest>();
  readonly #configs = new Map<string, ParsedImageConfig>();

  constructor(client: ContainerdClient) {
    this.#client = client;
  }

  /** Undefined when it is not in the content store; one that was there once may be told although it has gone. */
  async manifest(digest: string, mediaType: string, call: Call): Promise<Manifest | undefined> {
    return await this.#document(this.#manifests, digest, call, (bytes) => parseManifest(bytes, mediaType));
  }

  /** As `manifest`. */
  async config(digest: string, call: Call): Promise<ParsedImageConfig | undefined> {
    return await this.#document(this.#configs, digest, call, parseImageConfig);
  }

  async #document<T>(
    kept: Map<string, T>,
    digest: string,
    call: Call,
    parse: (bytes: Buffer) => T,
  ): Promise<T | undefined> {
    const known = kept.get(digest);
    if (known !== undefined) return known;
    const bytes = await readBlob(this.#client, digest, MAX_DOCUMENT_BYTES, call);
    if (bytes === undefined) return undefined;
    const document = parse(bytes);
    const oldest = kept.keys().next();
    if (kept.size >= KEPT && oldest.done !== true) kept.delete(oldest.value);
    kept.set(digest, document);
    return document;
  }
}
