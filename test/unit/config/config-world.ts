import type { Config } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/config-error.ts';
import { type ConfigMetadata, type LoadedConfig, loadConfig } from '../../../src/config/load-config.ts';

/** A host with files and, perhaps, user data and a region in its metadata. */
export interface ConfigWorld {
  readonly env?: Readonly<Record<string, string>>;
  /** The JSON configuration file at its default path; text or an object. */
  readonly json?: unknown;
  readonly files?: Readonly<Record<string, string>>;
  readonly userData?: string;
  readonly metadata?: Partial<ConfigMetadata>;
  readonly noRegion?: true;
}

export async function load(world: ConfigWorld = {}): Promise<LoadedConfig> {
  const files: Record<string, string> = { ...world.files };
  if (world.json !== undefined)
    files['/etc/ecs_container_agent/config.json'] =
      typeof world.json === 'string' ? world.json : JSON.stringify(world.json);
  return await loadConfig({
    env: { ...(world.noRegion !== true && { AWS_DEFAULT_REGION: 'us-west-2' }), ...world.env },
    readFile: async (path) => files[path],
    imds: { userData: async () => world.userData, region: async () => undefined, ...world.metadata },
  });
}

export async function configOf(world: ConfigWorld = {}): Promise<Config> {
  return (await load(world)).config;
}

/** Every fatal problem, as one text; empty when there is none. */
export async function problemsOf(world: ConfigWorld): Promise<string> {
  try {
    await load(world);
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
}
