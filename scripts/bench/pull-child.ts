/** A process that pulls one image and says how long that took, ms: ADDRESS NAMESPACE REFERENCE. */
import { ContainerdClient } from '../../src/runtime/containerd/client.ts';
import { createContainerdImages } from '../../src/runtime/containerd/images/containerd-images.ts';
import { timed } from './interleave.ts';

const [address = '', namespace = '', reference = ''] = process.argv.slice(2);
const client = new ContainerdClient({ address, namespace });
const images = createContainerdImages({ client, snapshotter: 'overlayfs' });
const { signal } = new AbortController();
console.log(await timed(() => images.pull({ reference }, { signal })));
await images.close();
client.close();
