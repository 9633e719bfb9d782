import { bridgeNames } from '../../src/network/bridge/bridge-names.ts';
import { tryRun } from './run.ts';

/**
 * Tables of this network namespace that the agent of a containerd namespace keeps no longer than its tasks, as
 * `FAMILY NAME`. That of its bridge stays as long as the agent.
 */
export async function nftTablesOfTasks(namespace: string): Promise<readonly string[]> {
  const { endpointTable } = bridgeNames(namespace);
  return (await nftTables()).filter((found) => found.endsWith(` ${endpointTable}`));
}

/** Removes what an agent left that was killed and never started again. */
export async function removeNftTables(namespace: string): Promise<void> {
  const { table, endpointTable } = bridgeNames(namespace);
  for (const found of await nftTables())
    if ([table, endpointTable].some((name) => found.endsWith(` ${name}`)))
      await tryRun('nft', ['delete', 'table', ...found.split(' ')]);
}

async function nftTables(): Promise<readonly string[]> {
  const { exitCode, stdout } = await tryRun('nft', ['list', 'tables']);
  return exitCode === 0 ? [...stdout.matchAll(/^table (\S+ \S+)$/gm)].map(([, found = '']) => found) : [];
}
