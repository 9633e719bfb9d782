/** A process that pulls one image and says how much memory it took: ADDRESS NAMESPACE REFERENCE. */
import { readFileSync } from 'node:fs';
import { ContainerdClient } from '../../../src/runtime/containerd/client.ts';
import { createContainerdImages } from '../../../src/runtime/containerd/images/containerd-images.ts';

const [address = '', namespace = '', reference = ''] = process.argv.slice(2);
const client = new ContainerdClient({ address, namespace });
const images = createContainerdImages({ client, snapshotter: 'overlayfs' });
await images.pull({ reference }, { signal: AbortSignal.timeout(60_000) });
await images.close();
client.close();
console.log(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
