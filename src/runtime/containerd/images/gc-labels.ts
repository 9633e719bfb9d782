/**
 * Labels by which containerd's collector finds what an image needs (containerd.md §4). Without them the blobs and
 * snapshots of a stored image vanish at the next collection.
 */
const CONTENT_REF = 'containerd.io/gc.ref.content';

/** On the name of an image that this agent pulled, and may remove: others were put there by hand. */
export const PULLED_LABEL = 'ecs-containerd-agent.pulled';

/** On a manifest: its configuration and layers. */
export function manifestLabels(
  configDigest: string,
  layerDigests: readonly string[],
): Record<string, string> {
  const labels: Record<string, string> = { [`${CONTENT_REF}.config`]: configDigest };
  for (const [index, digest] of layerDigests.entries()) labels[`${CONTENT_REF}.l.${index}`] = digest;
  return labels;
}

/** On an index: the manifest that is kept, by its place in the index. */
export function indexLabels(position: number, manifestDigest: string): Record<string, string> {
  return { [`${CONTENT_REF}.m.${position}`]: manifestDigest };
}

/** On a configuration: the snapshot of the top layer. */
export function snapshotLabel(snapshotter: string): string {
  return `containerd.io/gc.ref.snapshot.${snapshotter}`;
}

/** Longest key and value together that containerd takes, bytes (containerd.md §3). */
const LABEL_BYTES = 4096;

/** On every blob: the repository it came from, beside those that its labels name already (the oldest go first). */
export function sourceLabel(
  host: string,
  repository: string,
  present: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const key = `containerd.io/distribution.source.${host}`;
  const repositories = (present[key] ?? '').split(',').filter((name) => name !== '');
  if (!repositories.includes(repository)) repositories.push(repository);
  while (repositories.length > 1 && key.length + repositories.join(',').length > LABEL_BYTES)
    repositories.shift();
  return { [key]: repositories.join(',') };
}

/**
 * What must be set on a blob that is there already: labels it lacks. A reference that it carries under another
 * name counts, and a name that it uses for something else is left alone.
 */
export function missingLabels(
  wanted: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>>,
): Record<string, string> {
  const missing: Record<string, string> = {};
  for (const [key, value] of Object.entries(wanted)) {
    if (present[key] === value) continue;
    if (!key.startsWith(CONTENT_REF)) missing[key] = value;
    else if (!refersTo(present, value)) {
      missing[present[key] === undefined ? key : `${CONTENT_REF}.${value.replace(/^.*:/, '').slice(0, 32)}`] =
        value;
    }
  }
  return missing;
}

function refersTo(labels: Readonly<Record<string, string>>, digest: string): boolean {
  return Object.entries(labels).some(([key, value]) => key.startsWith(CONTENT_REF) && value === digest);
}
