import type { ReadFile } from './environment.ts';
import type { ConfigMetadata } from './load-config.ts';

const RESULT_FILE = '/var/lib/cloud/data/result.json';

/**
 * Whether cloud-init ran without finding a data source although the instance has user data: then the user's
 * set-up never ran, and the agent must not register (exit 5; config.md §3.11, CFG-52). Whatever cannot be read
 * counts as fine (CFG-92).
 */
export async function cloudInitMissedUserData(readFile: ReadFile, imds: ConfigMetadata): Promise<boolean> {
  try {
    const result: unknown = JSON.parse((await readFile(RESULT_FILE)) ?? '');
    if (dataSourceOf(result) !== 'DataSourceNone') return false;
    return ((await imds.userData()) ?? '') !== '';
  } catch {
    return false;
  }
}

function dataSourceOf(result: unknown): unknown {
  const v1 = memberOf(result, 'v1');
  return memberOf(v1, 'datasource');
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(key) : undefined;
}
