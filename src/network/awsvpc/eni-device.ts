import { closeSync, openSync } from 'node:fs';
import { changeLink, findDevice, type Link, linksHere, moveLink } from '../../host/links.ts';
import { NetlinkError } from '../../host/netlink.ts';
import { inNetworkNamespace, isNetworkNamespace, OWN_NAMESPACE } from '../../host/netns.ts';
import {
  type EniCall,
  type EniLink,
  EniMissingError,
  LinkNameTakenError,
  setUpEniLink,
  untilPlaced,
} from './eni-link.ts';

/** Starts the note on a link that says how it is called on the host. */
const NOTE = 'ecs:';

/**
 * Moves an ENI into the namespace at `netns` and sets it up there; whatever is so already stays. Everything but
 * the wait for a device that comes late is one run without yielding. Rejects with `EniMissingError` after five
 * seconds, `LinkNameTakenError` or `NetlinkError`, and may then be repeated or taken back by `giveBackEnis`.
 */
export async function attachEni(netns: string, eni: EniLink, call: EniCall): Promise<Link> {
  const missing =
    `no network device of this instance has the MAC address ${eni.macAddress}: the ENI is not attached, or ` +
    'another program has taken it; see `ip link`';
  await untilPlaced(() => placeEni(netns, eni, call), missing, call.signal);
  return inNetworkNamespace(netns, () => {
    const link = findDevice(linksHere(), eni.macAddress);
    if (link === undefined) throw new EniMissingError(`the ENI ${eni.macAddress} has left its namespace`);
    return setUpEniLink(link, eni, call.onChange);
  });
}

/** Whether the ENI is in the namespace now. */
function placeEni(netns: string, { macAddress, ifName }: EniLink, { onChange }: EniCall): boolean {
  const isThere = () => findDevice(linksHere(), macAddress) !== undefined;
  if (inNetworkNamespace(netns, isThere)) return true;
  const device = findDevice(linksHere(), macAddress);
  if (device === undefined) return false;
  onChange?.('note the name of the ENI');
  changeLink(device, { alias: `${NOTE}${device.name}` });
  onChange?.('move the ENI into the namespace');
  const namespace = openSync(netns, 'r');
  try {
    moveLink(device, namespace, ifName);
  } catch (error) {
    if (!isNameTaken(error)) throw error;
    // It is in there all the same, under its old name.
    giveBackEnis(netns, onChange);
    throw new LinkNameTakenError(`${netns} has another link called ${ifName}`, { cause: error });
  } finally {
    closeSync(namespace);
  }
  return true;
}

/**
 * Moves the ENIs in a namespace back to the agent's own, down and under the names that they had there. No
 * namespace, or none in it: nothing happens. Without yielding.
 */
export function giveBackEnis(netns: string, onChange?: (what: string) => void): void {
  giveBack(netns, isEni, onChange);
}

/** The same for the one with this MAC address. */
export function giveBackEni(netns: string, macAddress: string): void {
  giveBack(netns, (link) => isEni(link) && link.mac === macAddress);
}

function giveBack(netns: string, isMeant: (link: Link) => boolean, onChange?: (what: string) => void): void {
  if (!isNetworkNamespace(netns)) return;
  const host = openSync(OWN_NAMESPACE, 'r');
  try {
    for (const link of inNetworkNamespace(netns, () => linksHere().filter(isMeant))) {
      onChange?.(`move ${link.name} back to the host`);
      const names = namesOnHost(link);
      inNetworkNamespace(netns, () => leave(link, host, names));
      const back = findDevice(linksHere(), link.mac);
      if (back === undefined) continue;
      changeLink(back, { alias: '', ...(!names.includes(back.name) && { name: names[1] }) });
    }
  } finally {
    closeSync(host);
  }
}

/** The old name, and one for where another link has taken it since. */
function namesOnHost({ name, alias, mac }: Link): readonly [string, string] {
  const oldName = alias?.startsWith(NOTE) === true ? alias.slice(NOTE.length) : name;
  return [oldName, `ecs${mac.replaceAll(':', '').slice(-6)}`];
}

/** A name that is taken may stop the link or only its new name: the kernel moves first where it can. */
function leave(link: Link, host: number, [oldName, spareName]: readonly [string, string]): void {
  changeLink(link, { isUp: false });
  try {
    moveLink(link, host, oldName);
  } catch (error) {
    if (!isNameTaken(error)) throw error;
    if (linksHere().some(({ index }) => index === link.index)) moveLink(link, host, spareName);
  }
}

/** Hardware, or what our note is on. */
function isEni(link: Link): boolean {
  if (link.isLoopback || !link.isEthernet) return false;
  return link.kind === undefined || link.alias?.startsWith(NOTE) === true;
}

function isNameTaken(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === 'EEXIST';
}
