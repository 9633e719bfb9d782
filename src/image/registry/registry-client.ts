import { createHash } from 'node:crypto';
import { isSchema1, MANIFEST_TYPES } from '../manifest.ts';
import { isDigest } from '../reference.ts';
import { Authorizer, type RegistryTarget } from './authorizer.ts';
import {
  type EndpointCapability,
  type EndpointSource,
  type RegistryEndpoint,
  upstreamOf,
} from './endpoint.ts';
import { EndpointRequests } from './endpoint-requests.ts';
import { describeErrorBody, RegistryError } from './registry-error.ts';
import { RestingEndpoints } from './resting-endpoints.ts';
import { protocolError, readAll, Transport, type TransportResponse } from './transport.ts';

export interface RegistryClientOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly inactivityMs?: number;
  readonly connectMs?: number;
  readonly now?: () => number;
  /** Where images come from; default: each from its registry. */
  readonly endpoints?: EndpointSource;
}

export interface FetchedManifest {
  readonly bytes: Buffer;
  /** Content-Type of the answer. */
  readonly mediaType: string;
  /** Computed from the bytes. */
  readonly digest: string;
}

/** The part of a blob that is wanted. */
export interface BlobRange {
  readonly offset: number;
  /** Absent: to the end. */
  readonly length?: number;
}

export interface OpenBlob {
  /** Position of the first byte of `body`: what was asked for, or 0 when the server gives no ranges. */
  readonly offset: number;
  /** Whether the server has cut out a part; else `body` is the whole blob. */
  readonly partial: boolean;
  /** What comes is the reader's own, to be freed by it. */
  readonly body: AsyncIterable<Buffer>;
  /** Frees the connection of a body that nobody will read. */
  discard(): void;
}

interface Call {
  readonly signal: AbortSignal;
  /** Told what a mirror failed with before the next server is asked. */
  readonly onTrouble?: ((error: RegistryError) => void) | undefined;
}

/** What is asked of whoever can answer it. */
interface Question<T> {
  readonly method: 'GET' | 'HEAD';
  readonly needs: EndpointCapability;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes the result; what it throws is the server's failure. */
  readonly read: (response: TransportResponse, at: RegistryTarget, endpoint: RegistryEndpoint) => Promise<T>;
}

const DEFAULT_INACTIVITY_MS = 60_000;
const DEFAULT_CONNECT_MS = 15_000;
const MAX_MANIFEST_BYTES = 4 << 20;
const MAX_ERROR_BYTES = 64 << 10;
/** How registries answer a request of a kind that they do not know. */
const NO_SUCH_API: readonly number[] = [400, 404, 405, 501];

/**
 * The pull side of the registry protocol (OCI distribution, containerd.md §6). One client serves all registries;
 * it keeps connections and tokens. Registries are spoken to by https; those on loopback also by plain HTTP when
 * they do not speak TLS. Mirrors, where there are any, are asked first, and what the registry says after them is
 * decisive. Every failure is a `RegistryError`, or the signal's reason.
 */
export class RegistryClient {
  readonly #transport: Transport;
  readonly #requests: EndpointRequests;
  readonly #endpoints: EndpointSource;
  readonly #resting: RestingEndpoints;
  readonly #now: () => number;

  constructor(options: RegistryClientOptions = {}) {
    this.#now = options.now ?? Date.now;
    this.#transport = new Transport({
      env: options.env ?? process.env,
      inactivityMs: options.inactivityMs ?? DEFAULT_INACTIVITY_MS,
      connectMs: options.connectMs ?? DEFAULT_CONNECT_MS,
    });
    this.#requests = new EndpointRequests(this.#transport, new Authorizer(this.#transport, this.#now));
    this.#endpoints = options.endpoints ?? { endpointsOf: async (host) => [upstreamOf(host)] };
    this.#resting = new RestingEndpoints(this.#now);
  }

  /**
   * The digest that a tag names now; undefined for a schema 1 manifest. Asks by HEAD, which does not count against
   * Docker Hub's pull limit, and by GET where HEAD says too little or is refused, since only GET says why.
   */
  async digestOf(target: RegistryTarget, tag: string, call: Call): Promise<string | undefined> {
    const known: readonly string[] = MANIFEST_TYPES;
    const headers = { accept: known.join(', ') };
    const read = async (head: TransportResponse, at: RegistryTarget) => {
      await drain(head);
      if (head.status !== 200) throw await this.#refusal(at, head);
      const digest = head.headers['docker-content-digest'];
      const mediaType = mediaTypeOf(head);
      if (isSchema1(mediaType)) return { digest: undefined };
      return typeof digest === 'string' && isDigest(digest) && known.includes(mediaType)
        ? { digest }
        : undefined;
    };
    try {
      const question = { method: 'HEAD', needs: 'resolve', path: `manifests/${tag}`, headers, read } as const;
      const answer = await this.#ask(target, question, call);
      if (answer !== undefined) return answer.digest;
    } catch (error) {
      // Asking an unwell registry again for nicer words would not help it.
      if (!(error instanceof RegistryError) || error.status === undefined || error.isUnwell) throw error;
    }
    const manifest = await this.manifest(target, tag, call);
    return isSchema1(manifest.mediaType) ? undefined : manifest.digest;
  }

  /** The manifest or index of a tag or digest. Its bytes are checked when a digest was asked for. */
  async manifest(target: RegistryTarget, tagOrDigest: string, call: Call): Promise<FetchedManifest> {
    const byDigest = isDigest(tagOrDigest);
    const algorithm = byDigest ? tagOrDigest.slice(0, tagOrDigest.indexOf(':')) : 'sha256';
    const read = async (response: TransportResponse, at: RegistryTarget): Promise<FetchedManifest> => {
      if (response.status !== 200) throw await this.#refusal(at, response);
      const bytes = await readAll(response, MAX_MANIFEST_BYTES, at);
      const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
      if (byDigest && digest !== tagOrDigest)
        throw protocolError(at, `sent a manifest with the digest ${digest} when asked for ${tagOrDigest}`);
      return { bytes, mediaType: mediaTypeOf(response), digest };
    };
    const headers = { accept: MANIFEST_TYPES.join(', ') };
    const needs = byDigest ? 'pull' : 'resolve';
    return await this.#ask(
      target,
      { method: 'GET', needs, path: `manifests/${tagOrDigest}`, headers, read },
      call,
    );
  }

  /**
   * The list of what refers to a manifest, of that type at least; undefined where nothing does. Registries without
   * the API keep the list under a tag made of the digest (OCI distribution, "Listing Referrers").
   */
  async referrers(
    target: RegistryTarget,
    digest: string,
    artifactType: string,
    call: Call,
  ): Promise<Buffer | undefined> {
    const read = async (response: TransportResponse, at: RegistryTarget, { isMirror }: RegistryEndpoint) => {
      if (response.status === 200) return await readAll(response, MAX_MANIFEST_BYTES, at);
      if (isMirror || !NO_SUCH_API.includes(response.status)) throw await this.#refusal(at, response);
      response.discard();
      return undefined;
    };
    const path = `referrers/${digest}?artifactType=${encodeURIComponent(artifactType)}`;
    const headers = { accept: MANIFEST_TYPES[0] };
    const list = await this.#ask(target, { method: 'GET', needs: 'resolve', path, headers, read }, call);
    if (list !== undefined) return list;
    try {
      return (await this.manifest(target, digest.replace(':', '-'), call)).bytes;
    } catch (error) {
      if (error instanceof RegistryError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Opens a blob of `size` bytes, or a range of it; see `OpenBlob` for a server that ignores the range. */
  async blob(
    target: RegistryTarget,
    { digest, size }: { readonly digest: string; readonly size: number },
    { offset, length }: BlobRange,
    call: Call,
  ): Promise<OpenBlob> {
    const last = length === undefined ? '' : offset + length - 1;
    const headers: Record<string, string> =
      offset > 0 || length !== undefined ? { range: `bytes=${offset}-${last}` } : {};
    const path = `blobs/${digest}`;
    const read = async (
      response: TransportResponse,
      at: RegistryTarget,
      endpoint: RegistryEndpoint,
    ): Promise<OpenBlob | undefined> => {
      const { discard, status } = response;
      const refuse = (what: string) => {
        discard();
        throw protocolError(at, what);
      };
      // Some stores and proxies know no ranges, or none of that kind, and say so instead of sending it all.
      if (headers.range !== undefined && (status === 416 || status === 501)) {
        discard();
        return undefined;
      }
      const body = this.#watched(response.body, endpoint, path);
      if (status === 206) {
        const range = response.headers['content-range'] ?? '';
        const [, start, total] = /^bytes (\d+)-\d+(?:\/(\d+))?/.exec(range) ?? [];
        if (start !== undefined && Number(start) !== offset)
          refuse(`was asked for blob ${digest} from ${offset} and sends it from ${start}`);
        if (total !== undefined && Number(total) !== size)
          refuse(`has ${total} bytes for blob ${digest} where the manifest says ${size}`);
        return { offset, partial: true, body, discard };
      }
      if (status !== 200) throw await this.#refusal(at, response);
      const sent = response.headers['content-length'];
      if (sent !== undefined && Number(sent) !== size)
        refuse(`has ${sent} bytes for blob ${digest} where the manifest says ${size}`);
      return { offset: 0, partial: false, body, discard };
    };
    const opened = await this.#ask(target, { method: 'GET', needs: 'pull', path, headers, read }, call);
    return opened ?? (await this.blob(target, { digest, size }, { offset: 0 }, call));
  }

  /** Closes idle connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  /** Asks the endpoints of the registry, one after the other, until one has an answer. */
  async #ask<T>(target: RegistryTarget, question: Question<T>, call: Call): Promise<T> {
    const { needs, read, ...request } = question;
    const { host, repository } = target;
    const able = (await this.#endpoints.endpointsOf(host)).filter(({ capabilities }) =>
      capabilities.has(needs),
    );
    const last = able.at(-1);
    if (last === undefined)
      throw protocolError(target, `has no server with the capability ${needs} in its hosts.toml`);
    const troubles: RegistryError[] = [];
    for (const endpoint of able) {
      const path = `${repository}/${question.path}`;
      if (endpoint !== last && this.#resting.isResting(endpoint, path)) continue;
      const at = endpoint.isMirror ? { host: endpoint.address, repository } : target;
      try {
        const sent = { ...request, signal: call.signal };
        return await read(await this.#requests.send(endpoint, at, sent, host), at, endpoint);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        if (endpoint === last) throw error.after(troubles);
        this.#resting.rest(endpoint, path, error);
        troubles.push(error);
        call.onTrouble?.(error);
      }
    }
    throw new Error('no endpoint was asked');
  }

  /** A mirror that does not get to the end is not asked next. */
  async *#watched(
    body: AsyncIterable<Buffer>,
    endpoint: RegistryEndpoint,
    path: string,
  ): AsyncGenerator<Buffer, void, void> {
    try {
      yield* body;
    } catch (error) {
      if (endpoint.isMirror && error instanceof RegistryError) this.#resting.rest(endpoint, path, error);
      throw error;
    }
  }

  async #refusal(target: RegistryTarget, response: TransportResponse): Promise<RegistryError> {
    const { status, headers } = response;
    const body = await readAll(response, MAX_ERROR_BYTES, target).catch(() => Buffer.alloc(0));
    const { code, detail } = describeErrorBody(status, body.toString('utf8'));
    const retryAfterMs = retryAfter(headers['retry-after'], this.#now());
    const { host, repository } = target;
    return new RegistryError({
      host,
      repository,
      status,
      code,
      detail,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
}

/** Seconds or a date (RFC 9110 §10.2.3) to ms from now. */
function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}

function mediaTypeOf(response: TransportResponse): string {
  return (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

async function drain(response: TransportResponse): Promise<void> {
  for await (const _ of response.body);
}
