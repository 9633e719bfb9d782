import { isProgramMissing, type RunCommand } from '../../host/run-command.ts';
import { TaskError } from '../../task/errors.ts';
import type { Firewall } from './firewall.ts';
import { IptablesFirewall } from './iptables-firewall.ts';
import { NftFirewall } from './nft-firewall.ts';

/** nftables where the host has it, else iptables. Rejects with `ContainerNetworkingError` where it has neither. */
export async function findFirewall(table: string, run: RunCommand, signal: AbortSignal): Promise<Firewall> {
  if (await isThere('nft', run, signal)) return new NftFirewall(table, run);
  if (await isThere('iptables', run, signal)) return new IptablesFirewall(table, run);
  throw new TaskError(
    'ContainerNetworkingError',
    'ports cannot be published: neither nft nor iptables is there; install the package nftables',
  );
}

async function isThere(program: string, run: RunCommand, signal: AbortSignal): Promise<boolean> {
  try {
    return (await run(program, ['--version'], { signal })).exitCode === 0;
  } catch (error) {
    if (isProgramMissing(error)) return false;
    throw error;
  }
}
