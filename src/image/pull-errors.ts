import { TaskError, type TaskErrorCode } from '../task/errors.ts';
import { UnsupportedImageError } from './manifest.ts';
import { InvalidReferenceError } from './reference.ts';
import { RegistryError } from './registry/registry-error.ts';

/** Code of a failed digest resolution or pull (task-engine.md §3). */
export type ImageErrorCode = Extract<
  TaskErrorCode,
  'CannotPullImageManifestError' | 'CannotPullContainerError'
>;

const PERMISSIONS =
  'The image cannot be pulled: check that the role (task execution role, or instance role) has the permissions to pull from the registry.';
const EXISTENCE =
  'The image cannot be pulled: check that the repository and the tag exist and are spelt right, and that the credentials may see them.';
const NETWORK =
  'The image cannot be pulled: check the network configuration (routes, security groups, DNS, endpoints) between this host and the registry.';
const CREDENTIALS =
  'The image cannot be pulled: check the registry credentials, and that the image exists; registries hide private images behind this answer.';
const RATE_LIMIT =
  'The image cannot be pulled: the registry limits requests; wait, pull with credentials, or keep a copy in a registry of your own.';
const REGISTRY_FAULT = 'The image cannot be pulled: the registry has a fault; try again later.';
const CERTIFICATE =
  'The image cannot be pulled: check the registry certificate, and SSL_CERT_FILE or SSL_CERT_DIR if it is signed by an authority of your own.';
const DISK = 'The image cannot be pulled: free disk space on the host.';
const IMAGE = 'The image cannot be pulled: it cannot run here as it is; rebuild it or name another.';

/** Texts of registries and runtimes that ECS users know, and the hint of each (task-engine.md §3.1). */
const KNOWN_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/denied: User: .+ is not authorized to perform: ecr:BatchGetImage on resource/, PERMISSIONS],
  [/denied: requested access to the resource is denied/, EXISTENCE],
  [/request canceled while waiting for connection/, NETWORK],
  [/no space left on device/, DISK],
];

/** What to do about a failure; undefined where nothing better is known than its own text. */
export function pullHint(error: unknown): string | undefined {
  const text = textOf(error);
  const known = KNOWN_TEXTS.find(([pattern]) => pattern.test(text));
  if (known !== undefined) return known[1];
  if (error instanceof UnsupportedImageError || error instanceof InvalidReferenceError) return IMAGE;
  if (!(error instanceof RegistryError)) return undefined;
  const { status, code } = error;
  if (status === undefined)
    return code === 'TLS' || code === 'NO_TLS' ? CERTIFICATE : code === 'PROTOCOL' ? undefined : NETWORK;
  if (status === 401) return CREDENTIALS;
  if (status === 403) return PERMISSIONS;
  if (status === 404) return EXISTENCE;
  if (status === 429) return RATE_LIMIT;
  return status >= 500 ? REGISTRY_FAULT : undefined;
}

/**
 * The failure as ECS shows it: the hint, one space, then what was tried, on what, and what the registry said.
 * Pre-signed ECR layer URLs, which are as good as a password for a while, are cut out (ENG-29).
 */
export function imageError(
  code: ImageErrorCode,
  image: string,
  error: unknown,
  retryable: boolean,
): TaskError {
  if (error instanceof TaskError) return error;
  const tried =
    code === 'CannotPullContainerError' ? `pulling ${image}` : `asking for the manifest of ${image}`;
  const hint = pullHint(error);
  const text = redactEcrUrls(`${tried}: ${textOf(error)}`, image);
  return new TaskError(code, hint === undefined ? text : `${hint} ${text}`, { retryable, cause: error });
}

/** What went wrong with an image, in one line, while it is tried again. */
export function troubleOf(error: unknown, image: string): string {
  return redactEcrUrls(textOf(error), image);
}

const ECR_LAYER_URL = /"?https\S+starport-layer-bucket\S+/g;

/** Replaces pre-signed URLs of ECR layers by a mark that names the image (ENG-29). */
export function redactEcrUrls(text: string, image: string): string {
  return text.replace(ECR_LAYER_URL, `REDACTED ECR URL related to ${image}`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
