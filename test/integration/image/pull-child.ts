/**
 * A process that pulls images at once and says how much memory it had before and at most, KiB:
 * ADDRESS NAMESPACE REFERENCE…
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { ContainerdClient } from '../../../src/runtime/containerd/client.ts';
import { createContainerdImages } from '../../../src/runtime/containerd/images/containerd-images.ts';

const [address = '', namespace = '', ...references] = process.argv.slice(2);
const client = new ContainerdClient({ address, namespace });
const images = createContainerdImages({ client, snapshotter: 'overlayfs' });
const resident = (field: 'VmRSS' | 'VmHWM') =>
  new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
// The start of the process is forgotten: reading TypeScript takes more than pulling (proc_pid_clear_refs(5)).
writeFileSync('/proc/self/clear_refs', '5');
const before = resident('VmRSS');
const signal = AbortSignal.timeout(100_000);
await Promise.all(references.map((reference) => images.pull({ reference }, { signal })));
await images.close();
client.close();
console.log(`${before} ${resident('VmHWM')}`);
