/**
 * Image references as task definitions write them. Docker's rules: a first part with a dot, a colon or an
 * upper-case letter, or `localhost`, is a registry; anything else lives on Docker Hub, under `library/` when it
 * has no path of its own; no tag and no digest means `latest`.
 */
export interface ImageReference {
  /** Registry with its port as written; `docker.io` for Docker Hub. */
  readonly host: string;
  /** Path below the registry, `library/busybox`. */
  readonly repository: string;
  /** Absent only where a digest was given without a tag. */
  readonly tag?: string;
  /** `sha256:…`. */
  readonly digest?: string;
  /**
   * Name of the image in containerd, as ctr and nerdctl would write it (containerd.md §8): `host/repository:tag`,
   * or `host/repository@digest` when there is a digest; a tag beside a digest says nothing and is left out.
   */
  readonly canonical: string;
}

/** The text is not an image reference. `reference` is the text, the message says what is wrong with it. */
export class InvalidReferenceError extends Error {
  override readonly name = 'InvalidReferenceError';
  readonly reference: string;

  constructor(reference: string, problem: string) {
    super(`"${reference.slice(0, 300)}" is not an image reference: ${problem}`);
    this.reference = reference;
  }
}

export const DOCKER_HUB = 'docker.io';

const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };
const LONGEST_NAME = 255;

/** Whether the text is a digest that registries and containerd take (`sha256:` and 64 lower-case hex digits). */
export function isDigest(text: string): boolean {
  const [algorithm = '', hex = '', ...rest] = text.split(':');
  return rest.length === 0 && hex.length === DIGEST_LENGTHS[algorithm] && /^[0-9a-f]+$/.test(hex);
}

/** Parses and normalises a reference in any of its forms. Throws `InvalidReferenceError`. */
export function parseReference(text: string): ImageReference {
  const fail = (problem: string): never => {
    throw new InvalidReferenceError(text, problem);
  };
  if (text === '') fail('it is empty');
  if (/\s/.test(text)) fail('it holds a blank');
  if (/^[a-z]+:\/\//i.test(text)) fail('it must not begin with a scheme such as https://');

  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest))
    fail('what follows @ is not a digest such as sha256:<64 hex digits>');
  const named = at < 0 ? text : text.slice(0, at);

  const { host, path } = splitHost(named);
  const colon = path.indexOf(':');
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) {
    fail('a tag is at most 128 letters, digits, _, . and -, and begins with no . or -');
  }
  const written = colon < 0 ? path : path.slice(0, colon);
  if (written === '') fail('it names no repository');
  if (/[A-Z]/.test(written)) fail('a repository is written in lower case');
  for (const part of written.split('/')) {
    if (!PATH_PART.test(part))
      fail(`"${part}" is no part of a repository name (a-z, 0-9 and single separators)`);
  }
  if (!HOST.test(host)) fail(`"${host}" is not a registry host`);
  if (at < 0 && tag === undefined && named === written && /^[0-9a-f]{64}$/.test(written)) {
    fail('64 hex digits alone would be taken for an image id');
  }

  const repository = host === DOCKER_HUB && !written.includes('/') ? `library/${written}` : written;
  const name = `${host}/${repository}`;
  if (name.length > LONGEST_NAME)
    fail(`registry and repository together are longer than ${LONGEST_NAME} characters`);
  if (digest !== undefined) {
    return {
      host,
      repository,
      ...(tag === undefined ? {} : { tag }),
      digest,
      canonical: `${name}@${digest}`,
    };
  }
  return { host, repository, tag: tag ?? 'latest', canonical: `${name}:${tag ?? 'latest'}` };
}

function splitHost(named: string): { host: string; path: string } {
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const isHost = first === 'localhost' || /[.:A-Z]/.test(first);
  if (!isHost) return { host: DOCKER_HUB, path: named };
  const host = first === 'index.docker.io' || first === 'registry-1.docker.io' ? DOCKER_HUB : first;
  return { host, path: named.slice(slash + 1) };
}

/** A text that is no reference names no local image. */
export function parsedOrNothing(reference: string): ImageReference | undefined {
  try {
    return parseReference(reference);
  } catch (error) {
    if (error instanceof InvalidReferenceError) return undefined;
    throw error;
  }
}
