import { createHash } from 'node:crypto';
import { isSchema1, MANIFEST_TYPES } from '../manifest.ts';
import { DOCKER_HUB, isDigest } from '../reference.ts';
import { Authorizer, type RegistryTarget } from './authorizer.ts';
import { parseChallenges } from './challenge.ts';
import { describeErrorBody, RegistryError } from './registry-error.ts';
import { isLoopback, protocolError, readAll, Transport, type TransportResponse } from './transport.ts';

export interface RegistryClientOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly inactivityMs?: number;
  readonly connectMs?: number;
  readonly now?: () => number;
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
  readonly body: AsyncIterable<Buffer>;
  /** Frees the connection of a body that nobody will read. */
  discard(): void;
}

interface Call {
  readonly signal: AbortSignal;
}

const DEFAULT_INACTIVITY_MS = 60_000;
const DEFAULT_CONNECT_MS = 15_000;
const MAX_MANIFEST_BYTES = 4 << 20;
const MAX_ERROR_BYTES = 64 << 10;

/**
 * The pull side of the registry protocol (OCI distribution, containerd.md §6). One client serves all registries;
 * it keeps connections and tokens. Registries are spoken to by https; those on loopback also by plain HTTP when
 * they do not speak TLS. Every failure is a `RegistryError`, or the signal's reason.
 */
export class RegistryClient {
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #now: () => number;
  /** Loopback registries that were last reached without TLS. */
  readonly #plain = new Set<string>();

  constructor(options: RegistryClientOptions = {}) {
    this.#now = options.now ?? Date.now;
    this.#transport = new Transport({
      env: options.env ?? process.env,
      inactivityMs: options.inactivityMs ?? DEFAULT_INACTIVITY_MS,
      connectMs: options.connectMs ?? DEFAULT_CONNECT_MS,
    });
    this.#authorizer = new Authorizer(this.#transport, this.#now);
  }

  /**
   * The digest that a tag names now; undefined for a schema 1 manifest. Asks by HEAD, which does not count against
   * Docker Hub's pull limit, and by GET where HEAD says too little or is refused, since only GET says why.
   */
  async digestOf(target: RegistryTarget, tag: string, call: Call): Promise<string | undefined> {
    const head = await this.#get(
      target,
      'HEAD',
      `manifests/${tag}`,
      { accept: MANIFEST_TYPES.join(', ') },
      call,
    );
    await drain(head);
    // Asking an unwell registry again for nicer words would not help it.
    if (head.status === 429 || (head.status >= 500 && head.status !== 501))
      throw await this.#refusal(target, head);
    if (head.status === 200) {
      const digest = head.headers['docker-content-digest'];
      const mediaType = mediaTypeOf(head);
      if (isSchema1(mediaType)) return undefined;
      const known: readonly string[] = MANIFEST_TYPES;
      if (typeof digest === 'string' && isDigest(digest) && known.includes(mediaType)) return digest;
    }
    const manifest = await this.manifest(target, tag, call);
    return isSchema1(manifest.mediaType) ? undefined : manifest.digest;
  }

  /** The manifest or index of a tag or digest. Its bytes are checked when a digest was asked for. */
  async manifest(target: RegistryTarget, tagOrDigest: string, call: Call): Promise<FetchedManifest> {
    const headers = { accept: MANIFEST_TYPES.join(', ') };
    const response = await this.#get(target, 'GET', `manifests/${tagOrDigest}`, headers, call);
    if (response.status !== 200) throw await this.#refusal(target, response);
    const bytes = await readAll(response, MAX_MANIFEST_BYTES, target);
    const algorithm = isDigest(tagOrDigest) ? tagOrDigest.slice(0, tagOrDigest.indexOf(':')) : 'sha256';
    const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
    if (isDigest(tagOrDigest) && digest !== tagOrDigest) {
      throw protocolError(target, `sent a manifest with the digest ${digest} when asked for ${tagOrDigest}`);
    }
    return { bytes, mediaType: mediaTypeOf(response), digest };
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
    const response = await this.#get(target, 'GET', `blobs/${digest}`, headers, call);
    const { body, discard, status } = response;
    const refuse = (what: string) => {
      discard();
      throw protocolError(target, what);
    };
    // Some stores and proxies know no ranges, or none of that kind, and say so instead of sending it all.
    if (headers.range !== undefined && (status === 416 || status === 501)) {
      discard();
      return await this.blob(target, { digest, size }, { offset: 0 }, call);
    }
    if (status === 206) {
      const [, start, total] =
        /^bytes (\d+)-\d+(?:\/(\d+))?/.exec(response.headers['content-range'] ?? '') ?? [];
      if (start !== undefined && Number(start) !== offset)
        refuse(`was asked for blob ${digest} from ${offset} and sends it from ${start}`);
      if (total !== undefined && Number(total) !== size)
        refuse(`has ${total} bytes for blob ${digest} where the manifest says ${size}`);
      return { offset, partial: true, body, discard };
    }
    if (status !== 200) throw await this.#refusal(target, response);
    const sent = response.headers['content-length'];
    if (sent !== undefined && Number(sent) !== size)
      refuse(`has ${sent} bytes for blob ${digest} where the manifest says ${size}`);
    return { offset: 0, partial: false, body, discard };
  }

  /** Closes idle connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #get(
    target: RegistryTarget,
    method: 'GET' | 'HEAD',
    path: string,
    headers: Record<string, string>,
    call: Call,
  ): Promise<TransportResponse> {
    const known = this.#authorizer.known(target);
    const send = (authorization: string | undefined) =>
      this.#send(
        target,
        method,
        path,
        authorization === undefined ? headers : { ...headers, authorization },
        call,
      );
    const response = await send(known);
    if (response.status !== 401) return response;
    const challenges = parseChallenges(String(response.headers['www-authenticate'] ?? ''));
    if (known !== undefined) this.#authorizer.forget(target);
    let authorization: string | undefined;
    try {
      authorization = await this.#authorizer.authorize(target, challenges, call.signal);
    } catch (error) {
      response.discard();
      throw error;
    }
    if (authorization === undefined) return response;
    await drain(response);
    const again = await send(authorization);
    if (again.status === 401) this.#authorizer.forget(target);
    return again;
  }

  async #send(
    target: RegistryTarget,
    method: 'GET' | 'HEAD',
    path: string,
    headers: Readonly<Record<string, string>>,
    { signal }: Call,
  ): Promise<TransportResponse> {
    const { host, repository } = target;
    const address = host === DOCKER_HUB ? 'registry-1.docker.io' : host;
    const request = (scheme: string) =>
      this.#transport.request({
        method,
        url: new URL(`${scheme}://${address}/v2/${repository}/${path}`),
        headers,
        host,
        repository,
        signal,
      });
    if (!isLoopback(new URL(`https://${address}`).hostname)) return request('https');
    if (!this.#plain.has(address)) {
      try {
        return await request('https');
      } catch (error) {
        if (!(error instanceof RegistryError) || error.code === 'TLS' || error.status !== undefined)
          throw error;
      }
    }
    try {
      const response = await request('http');
      // A TLS server answers plain HTTP with 400; the next request tries https again.
      if (response.status === 400) this.#plain.delete(address);
      else this.#plain.add(address);
      return response;
    } catch (error) {
      this.#plain.delete(address);
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
