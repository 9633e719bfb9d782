import { closeSync, openSync } from 'node:fs';
import {
  addVlan,
  changeLink,
  deleteLink,
  findDevice,
  type Link,
  linksHere,
  moveLink,
} from '../../host/links.ts';
import { NetlinkError } from '../../host/netlink.ts';
import { inNetworkNamespace, isNetworkNamespace } from '../../host/netns.ts';
import {
  type EniCall,
  type EniLink,
  EniMissingError,
  LinkNameTakenError,
  setUpEniLink,
  untilPlaced,
} from './eni-link.ts';

/** A branch ENI: a vlan of the trunk ENI, with a MAC address of its own (networking.md §6.5). */
export interface BranchEniLink extends EniLink {
  readonly trunkMacAddress: string;
  readonly vlanId: number;
}

/**
 * Makes the vlan of a branch ENI on its trunk, moves it into the namespace at `netns` and sets it up there; whatever
 * is so already stays. Rejects with `EniMissingError` when no trunk has come after five seconds,
 * `LinkNameTakenError` or `NetlinkError`, and may then be repeated or taken back by `removeBranchEni`.
 */
export async function attachBranchEni(netns: string, eni: BranchEniLink, call: EniCall): Promise<Link> {
  const missing =
    `no network device of this instance has the MAC address ${eni.trunkMacAddress} of the trunk ENI: it is not ` +
    'attached, or another program has taken it; see `ip link`';
  await untilPlaced(() => placeBranch(netns, eni, call), missing, call.signal);
  return inNetworkNamespace(netns, () => {
    const link = findBranch(linksHere(), eni.macAddress);
    if (link === undefined) throw new EniMissingError(`the ENI ${eni.macAddress} has left its namespace`);
    return setUpEniLink(link, eni, call.onChange);
  });
}

/** Deletes the vlan, wherever in the two namespaces it has come. No namespace, or no vlan: nothing happens. */
export function removeBranchEni(netns: string, macAddress: string, onChange?: (what: string) => void): void {
  const remove = () => {
    const link = findBranch(linksHere(), macAddress);
    if (link === undefined) return;
    onChange?.(`delete ${link.name}`);
    deleteLink(link);
  };
  if (isNetworkNamespace(netns)) inNetworkNamespace(netns, remove);
  remove();
}

/** The vlan link with that MAC address. */
export function findBranch(links: readonly Link[], macAddress: string): Link | undefined {
  return links.find(({ kind, mac }) => kind === 'vlan' && mac === macAddress);
}

/** Whether the branch is in the namespace now. */
function placeBranch(netns: string, eni: BranchEniLink, { onChange }: EniCall): boolean {
  if (inNetworkNamespace(netns, () => findBranch(linksHere(), eni.macAddress)) !== undefined) return true;
  const here = linksHere();
  const trunk = findDevice(here, eni.trunkMacAddress);
  if (trunk === undefined) return false;
  if (!trunk.isUp) {
    onChange?.('bring the trunk up');
    changeLink(trunk, { isUp: true });
  }
  const branch = findBranch(here, eni.macAddress) ?? makeBranch(trunk, eni, onChange);
  onChange?.('move the branch into the namespace');
  const namespace = openSync(netns, 'r');
  try {
    moveLink(branch, namespace, eni.ifName);
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'EEXIST')) throw error;
    removeBranchEni(netns, eni.macAddress, onChange);
    throw new LinkNameTakenError(`${netns} has another link called ${eni.ifName}`, { cause: error });
  } finally {
    closeSync(namespace);
  }
  return true;
}

/** Named after its vlan alone: the trunk's name and a vlan's number may be too long together. */
function makeBranch(
  trunk: Link,
  { vlanId, macAddress }: BranchEniLink,
  onChange?: (what: string) => void,
): Link {
  const name = `ecsvlan${vlanId}`;
  onChange?.(`make the vlan ${vlanId}`);
  addVlan(trunk, { name, vlanId, mac: macAddress });
  const made = findBranch(linksHere(), macAddress);
  if (made === undefined) throw new EniMissingError(`the vlan ${vlanId} of ${trunk.name} went away at once`);
  return made;
}
