import { readFile } from 'node:fs/promises';
import type { Route } from '../../host/routes.ts';
import { ENDPOINT_ADDRESS } from './endpoint-address.ts';

const LOOPBACK_INDEX = 1;
const ROUTE: Route = {
  destination: `${ENDPOINT_ADDRESS}/32`,
  index: LOOPBACK_INDEX,
  source: '127.0.0.1',
  kind: 'unicast',
};

/**
 * Leads the address of the endpoint to `lo` where the host has no IPv4 default route: without any route the kernel
 * refuses it before the packet filter can see it (networking.md §3.2). There already, or not needed: success.
 */
export async function ensureEndpointRoute(): Promise<void> {
  if (await hasDefaultRoute()) return;
  const { addRoute } = await import('../../host/routes.ts');
  addRoute(ROUTE);
}

/** Not there: success. */
export async function removeEndpointRoute(): Promise<void> {
  if (
    !(await routes()).some(
      ({ destination, device }) => destination === hexOf(ENDPOINT_ADDRESS) && device === 'lo',
    )
  )
    return;
  const { removeRoute } = await import('../../host/routes.ts');
  removeRoute(ROUTE);
}

async function hasDefaultRoute(): Promise<boolean> {
  return (await routes()).some(
    ({ destination, mask }) => destination === hexOf('0.0.0.0') && mask === destination,
  );
}

/** The kernel's table of IPv4 routes, with addresses as it writes them. */
async function routes() {
  const [, ...lines] = (await readFile('/proc/net/route', 'utf8')).trimEnd().split('\n');
  return lines.map((line) => {
    const [device, destination, , , , , , mask] = line.split('\t');
    return { device, destination, mask };
  });
}

/** The bytes in the order of a little-endian processor. */
function hexOf(address: string): string {
  return Buffer.from(address.split('.').map(Number)).reverse().toString('hex').toUpperCase();
}
