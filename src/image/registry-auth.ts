import { z } from '../schema.ts';
import type { RegistryCredentials } from './images.ts';
import { DOCKER_HUB, parseReference } from './reference.ts';

/** Key under which the credentials of Docker Hub are kept (config.md §3.9). */
const DOCKER_HUB_KEY = 'index.docker.io/v1/';

/**
 * Registry credentials of ECS_ENGINE_AUTH_TYPE and ECS_ENGINE_AUTH_DATA. The secrets are private fields, so
 * that neither a log line nor an inspection of the configuration can show them (CFG-47).
 */
export class StaticRegistryAuth {
  readonly #entries: ReadonlyMap<string, RegistryCredentials>;

  constructor(entries: ReadonlyMap<string, RegistryCredentials>) {
    this.#entries = entries;
  }

  /**
   * Credentials for an image reference as the task definition says it; undefined: pull anonymously. The key
   * of the image's host, or the longest key below that host with which the reference begins (CFG-49, CFG-50).
   */
  credentialsFor(image: string): RegistryCredentials | undefined {
    const { host } = parseReference(image);
    if (host === DOCKER_HUB) return this.#entries.get(DOCKER_HUB_KEY);
    let best = this.#entries.get(host);
    let bestLength = best === undefined ? 0 : host.length;
    for (const [key, credentials] of this.#entries) {
      const [keyHost] = key.split('/', 1);
      if (keyHost !== host || key.length <= bestLength || !image.startsWith(key)) continue;
      best = credentials;
      bestLength = key.length;
    }
    return best;
  }
}

export interface ParsedRegistryAuth {
  readonly auth: StaticRegistryAuth;
  /** What was left out and why; never holds a piece of the data. */
  readonly warnings: readonly string[];
}

const dockerData = z.record(z.string(), z.unknown());
const dockerEntry = z.object({ username: z.string(), password: z.string() });
const dockercfgEntry = z.object({ auth: z.string() });

/** Reads the two settings (config.md §3.9). Bad input gives no credentials and a warning, never an error. */
export function parseRegistryAuth(type: string, data: string): ParsedRegistryAuth {
  const shape = type.trim();
  const nothing = (warning?: string): ParsedRegistryAuth => ({
    auth: new StaticRegistryAuth(new Map()),
    warnings: warning === undefined ? [] : [warning],
  });
  if (shape === '') return nothing();
  if (shape !== 'docker' && shape !== 'dockercfg') {
    return nothing(
      'ECS_ENGINE_AUTH_TYPE is neither docker nor dockercfg; images are pulled without credentials',
    );
  }
  const unreadable =
    'ECS_ENGINE_AUTH_DATA is not a JSON object of registries; images are pulled without credentials';
  let parsed: z.infer<typeof dockerData>;
  try {
    parsed = dockerData.parse(JSON.parse(data));
  } catch {
    return nothing(unreadable);
  }
  const entries = new Map<string, RegistryCredentials>();
  const warnings: string[] = [];
  for (const [index, [registry, value]] of Object.entries(parsed).entries()) {
    const credentials = shape === 'docker' ? dockerCredentials(value) : dockercfgCredentials(value);
    if (credentials !== undefined) entries.set(registry.replace(/^https?:\/\//, ''), credentials);
    else warnings.push(`ECS_ENGINE_AUTH_DATA: entry ${index + 1} has no usable credentials and is skipped`);
  }
  return { auth: new StaticRegistryAuth(entries), warnings };
}

function dockerCredentials(value: unknown): RegistryCredentials | undefined {
  const entry = dockerEntry.safeParse(value);
  return entry.success ? { username: entry.data.username, password: entry.data.password } : undefined;
}

function dockercfgCredentials(value: unknown): RegistryCredentials | undefined {
  const entry = dockercfgEntry.safeParse(value);
  if (!entry.success) return undefined;
  const decoded = Buffer.from(entry.data.auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = decoded.indexOf(':');
  if (colon < 0) return undefined;
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
