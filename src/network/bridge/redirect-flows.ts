import { forgetUdpFlows } from '../../host/conntrack.ts';
import type { NetworkLog } from '../network.ts';
import type { NetworkRecord } from './network-record.ts';

/**
 * Lets datagrams to the container's published ports that are under way follow the rules of now. Never rejects: without
 * that the container works for everybody who begins later.
 */
export async function redirectFlows({ bindings }: NetworkRecord, log: NetworkLog): Promise<void> {
  const ports = bindings
    .filter(({ protocol }) => protocol === 'udp')
    .flatMap(({ hostPort, rangeLength = 1 }) => Array.from({ length: rangeLength }, (_, i) => hostPort + i));
  if (ports.length === 0) return;
  try {
    await forgetUdpFlows(new Set(ports));
  } catch (error) {
    log.warn({ err: error, ports }, 'flows of UDP ports go on as they are');
  }
}
