import type { Findings } from './config-error.ts';
import type { JsonDocument } from './variable.ts';

/** Key of the instance's user data under which the configuration stands (CFG-10). */
const USER_DATA_KEY = 'ecsagentconfiguration';

/** Reads a JSON configuration file; blank counts as absent (CFG-74), anything else that is no object is fatal. */
export function parseConfigFile(text: string, path: string, findings: Findings): JsonDocument | undefined {
  if (text.trim() === '') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    findings.problems.push(`${path} is not valid JSON`);
    return undefined;
  }
  if (!isObject(parsed)) {
    findings.problems.push(`${path} must hold a JSON object`);
    return undefined;
  }
  return withDeprecatedCluster({ name: path, values: lowerCaseKeys(parsed) }, findings);
}

/** The configuration in EC2 user data; only a document that is JSON as a whole can hold one. */
export function parseUserData(text: string, findings: Findings): JsonDocument | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const inner = isObject(parsed) ? lowerCaseKeys(parsed).get(USER_DATA_KEY) : undefined;
  if (!isObject(inner)) return undefined;
  return withDeprecatedCluster({ name: 'user data', values: lowerCaseKeys(inner) }, findings);
}

/** `ClusterArn`, the old name, fills an empty `Cluster` (CFG-09). */
function withDeprecatedCluster(document: JsonDocument, findings: Findings): JsonDocument {
  const old = document.values.get('clusterarn');
  if (typeof old !== 'string' || old === '') return document;
  findings.warnings.push(`ClusterArn in ${document.name} is deprecated: use Cluster`);
  const cluster = document.values.get('cluster');
  if (cluster !== undefined && cluster !== null && cluster !== '') return document;
  return { ...document, values: new Map([...document.values, ['cluster', old]]) };
}

function lowerCaseKeys(value: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(value).map(([key, item]) => [key.toLowerCase(), item]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
