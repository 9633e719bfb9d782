import type { ContainerdClient } from '../client.ts';

/** Where containerd keeps images, directories of the host; absent: it does not say. */
export interface ImagePlaces {
  /** Of the blobs. */
  readonly content?: string;
  /** Of the unpacked layers. */
  readonly snapshots?: string;
  /** Socket of the snapshotter, where it is a program of its own beside containerd (`proxy_plugins`). */
  readonly snapshotterSocket?: string;
}

/** Asks containerd where its content store and the snapshotter keep their data. */
export async function readImagePlaces(
  client: ContainerdClient,
  snapshotter: string,
  call: { readonly signal: AbortSignal },
): Promise<ImagePlaces> {
  const filters = ['type==io.containerd.content.v1', 'type==io.containerd.snapshotter.v1'];
  const { plugins } = await client.unary('introspection', 'Plugins', { filters }, call);
  const exportsOf = (type: string, id?: string) =>
    plugins.find((plugin) => plugin.type === type && (id === undefined || plugin.id === id))?.exports;
  const content = exportsOf('io.containerd.content.v1')?.root;
  const ofSnapshotter = exportsOf('io.containerd.snapshotter.v1', snapshotter);
  const snapshots = ofSnapshotter?.root ?? content;
  const snapshotterSocket = ofSnapshotter?.address;
  return {
    ...(content !== undefined && { content }),
    ...(snapshots !== undefined && { snapshots }),
    ...(snapshotterSocket !== undefined && { snapshotterSocket }),
  };
}
