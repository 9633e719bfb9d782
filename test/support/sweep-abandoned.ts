import { rmSync } from 'node:fs';
import { removeAbandonedCgroups } from './cgroups.ts';
import { containerdPlaces } from './containerd.ts';
import { removeContainerdRemains } from './containerd-remains.ts';
import { unmountUnder } from './mounts.ts';
import { removeAbandonedNamespaces } from './network-host.ts';
import { removeNftTables } from './nft-tables.ts';
import { abandonedScratch } from './scratch.ts';

/** Removes what test processes that were killed left behind. Runs before and after each layer of tests. */
async function sweepAbandoned(): Promise<void> {
  await removeAbandonedNamespaces();
  for (const { directory, owner } of abandonedScratch()) {
    await removeContainerdRemains(containerdPlaces(directory));
    for (const kind of ['t', 'c']) await removeNftTables(`ecs-${kind}${owner}`);
    await unmountUnder(directory);
    rmSync(directory, { recursive: true, force: true });
  }
  removeAbandonedCgroups();
}

export const setup = sweepAbandoned;
export const teardown = sweepAbandoned;
