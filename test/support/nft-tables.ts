import { bridgeNames } from '../../src/network/bridge/bridge-names.ts';
import { tryRun } from './run.ts';

/** Tables of this network namespace that belong to the agent of a containerd namespace, as `FAMILY NAME`. */
export async function nftTablesOf(namespace: string): Promise<readonly string[]> {
  const { table, endpointTable } = bridgeNames(namespace);
  const { exitCode, stdout } = await tryRun('nft', ['list', 'tables']);
  if (exitCode !== 0) return [];
  const tables = [...stdout.matchAll(/^table (\S+ \S+)$/gm)].map(([, found = '']) => found);
  return tables.filter((found) => [table, endpointTable].includes(found.split(' ')[1] ?? ''));
}

/** Removes what an agent left that was killed and never started again. */
export async function removeNftTables(namespace: string): Promise<void> {
  for (const found of await nftTablesOf(namespace))
    await tryRun('nft', ['delete', 'table', ...found.split(' ')]);
}
