/** A process that pulls images at once and says how much memory it took: ADDRESS NAMESPACE REFERENCE… */
import { readFileSync } from 'node:fs';
import { ContainerdClient } from '../../../src/runtime/containerd/client.ts';
import { createContainerdImages } from '../../../src/runtime/containerd/images/containerd-images.ts';

const [address = '', namespace = '', ...references] = process.argv.slice(2);
const client = new ContainerdClient({ address, namespace });
const images = createContainerdImages({ client, snapshotter: 'overlayfs' });
const signal = AbortSignal.timeout(100_000);
await Promise.all(references.map((reference) => images.pull({ reference }, { signal })));
await images.close();
client.close();
console.log(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
