/**
 * A process that pulls images, as long-lived as an agent: ADDRESS NAMESPACE. A reference a line comes on standard input;
 * how long its pull took, ms, goes to standard output.
 */
import { createInterface } from 'node:readline';
import { ContainerdClient } from '../../src/runtime/containerd/client.ts';
import { createContainerdImages } from '../../src/runtime/containerd/images/containerd-images.ts';
import { timed } from './interleave.ts';

const [address = '', namespace = ''] = process.argv.slice(2);
const client = new ContainerdClient({ address, namespace });
const images = createContainerdImages({ client, snapshotter: 'overlayfs' });
const { signal } = new AbortController();
for await (const reference of createInterface({ input: process.stdin }))
  console.log(await timed(() => images.pull({ reference }, { signal })));
await images.close();
client.close();
