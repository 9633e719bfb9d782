import type { ContainerdClient } from '../client.ts';

/** Directories of the host in which containerd keeps images; absent: it does not say. */
export interface ImagePlaces {
  /** Of the blobs. */
  readonly content?: string;
  /** Of the unpacked layers. */
  readonly snapshots?: string;
}

/** Asks containerd where its content store and the snapshotter keep their data. */
export async function readImagePlaces(
  client: ContainerdClient,
  snapshotter: string,
  call: { readonly signal: AbortSignal },
): Promise<ImagePlaces> {
  const filters = ['type==io.containerd.content.v1', 'type==io.containerd.snapshotter.v1'];
  const { plugins } = await client.unary('introspection', 'Plugins', { filters }, call);
  const rootOf = (type: string, id?: string) =>
    plugins.find((plugin) => plugin.type === type && (id === undefined || plugin.id === id))?.exports.root;
  const content = rootOf('io.containerd.content.v1');
  const snapshots = rootOf('io.containerd.snapshotter.v1', snapshotter) ?? content;
  return { ...(content !== undefined && { content }), ...(snapshots !== undefined && { snapshots }) };
}
