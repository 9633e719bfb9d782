import type { Config, ConfigFlags } from './config.ts';
import { ConfigError, Findings } from './config-error.ts';
import { deriveSettings } from './derive.ts';
import type { Environment, ReadFile } from './environment.ts';
import { parseConfigFile, parseUserData } from './json-document.ts';
import type { JsonDocument, Sources } from './variable.ts';
import { parseBooleanText } from './variable-kinds.ts';
import { IGNORED_VARIABLES, VARIABLES, type VariableValues } from './variables.ts';

const DEFAULT_JSON_PATH = '/etc/ecs_container_agent/config.json';

/** What the configuration asks of the instance metadata service. Each rejects when there is no answer. */
export interface ConfigMetadata {
  /** Undefined when the instance has none. */
  userData(): Promise<string | undefined>;
  /** The region; from the identity document unless that is not to be used. */
  region(options: { useIdentityDocument: boolean }): Promise<string | undefined>;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Values that were replaced or left out; to be logged as warnings. */
  readonly warnings: readonly string[];
  /** Settings without effect; to be logged once as information. */
  readonly notices: readonly string[];
}

/**
 * Reads all settings: environment, then the JSON file, then user data, then defaults; the region also from the
 * instance metadata (config.md §1). Throws `ConfigError` with every fatal problem found.
 */
export async function loadConfig(sources: {
  readonly env: Environment;
  readonly readFile: ReadFile;
  readonly imds: ConfigMetadata;
  readonly flags?: ConfigFlags;
}): Promise<LoadedConfig> {
  const { env, readFile, imds, flags } = sources;
  const findings = new Findings();
  const external = isExternal(env);
  if (external && (env.AWS_DEFAULT_REGION ?? '').trim() === '')
    throw new ConfigError(['AWS_DEFAULT_REGION must be set when ECS_EXTERNAL is true']);

  const documents = await readDocuments(env, readFile, external ? undefined : imds, findings);
  const merged = resolveAll({ env, documents }, findings);
  const values = { ...merged, region: await findRegion(merged, external ? undefined : imds) };
  if (values.region === '')
    findings.problems.push('AWS_DEFAULT_REGION is not set and the instance metadata does not tell a region');

  const derived = await deriveSettings(values, env, readFile, findings);
  for (const name of IGNORED_VARIABLES)
    if ((env[name] ?? '') !== '') findings.notices.push(`${name} has no effect on this agent`);
  if (findings.problems.length > 0) throw new ConfigError(findings.problems);

  const { logRolloverType: _, ...plain } = values;
  const config: Config = {
    ...plain,
    ...derived,
    acceptInsecureCertificates: flags?.acceptInsecureCertificates ?? false,
    ...(flags?.logLevel !== undefined && { logLevel: flags.logLevel }),
    ...(flags?.logLevelOnInstance !== undefined && { logLevelOnInstance: flags.logLevelOnInstance }),
  };
  return { config: deepFreeze(config), warnings: findings.warnings, notices: findings.notices };
}

/** Whether ECS Anywhere is asked for; known before anything else is read, since IMDS must not be asked then. */
export function isExternal(env: Environment): boolean {
  return parseBooleanText((env.ECS_EXTERNAL ?? '').trim()) ?? false;
}

async function readDocuments(
  env: Environment,
  readFile: ReadFile,
  imds: ConfigMetadata | undefined,
  findings: Findings,
): Promise<JsonDocument[]> {
  const path = env.ECS_AGENT_CONFIG_FILE_PATH || DEFAULT_JSON_PATH;
  const text = await readFile(path);
  const file = text === undefined ? undefined : parseConfigFile(text, path, findings);
  const userData = imds === undefined ? undefined : await readUserData(imds, findings);
  return [file, userData].filter((document) => document !== undefined);
}

async function readUserData(imds: ConfigMetadata, findings: Findings): Promise<JsonDocument | undefined> {
  try {
    const text = await imds.userData();
    return text === undefined ? undefined : parseUserData(text, findings);
  } catch (error) {
    findings.warnings.push(`user data could not be read: ${messageOf(error)}`);
    return undefined;
  }
}

async function findRegion(values: VariableValues, imds: ConfigMetadata | undefined): Promise<string> {
  if (values.region !== '' || imds === undefined) return values.region;
  try {
    return (await imds.region({ useIdentityDocument: !values.noInstanceIdentity })) ?? '';
  } catch {
    return '';
  }
}

function resolveAll(sources: Sources, findings: Findings): VariableValues {
  const entries = Object.entries(VARIABLES).map(([name, row]) => [name, row.resolve(sources, findings)]);
  return Object.fromEntries(entries) as VariableValues;
}

/** Freezes lists and maps too; a `Secret` has no public state to freeze. */
function deepFreeze<T extends object>(value: T): Readonly<T> {
  for (const item of Object.values(value)) if (typeof item === 'object' && item !== null) Object.freeze(item);
  return Object.freeze(value);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
