import type { ContainerdPlaces } from './containerd-remains.ts';

/**
 * Plugins that a test daemon does without: CRI looks for its pause image on its own, NRI and `opt` make
 * sockets and folders outside the scratch directory, the others probe devices. Both generations' names.
 */
const DISABLED = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
  'io.containerd.podsandbox.controller.v1.podsandbox',
  'io.containerd.nri.v1.nri',
  'io.containerd.internal.v1.opt',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
];

/** Configuration of a test daemon, in the version that every containerd from 1.6 on reads. */
export function containerdConfig({ rootDir, stateDir, address }: ContainerdPlaces): string {
  return `version = 2
root = ${JSON.stringify(rootDir)}
state = ${JSON.stringify(stateDir)}
disabled_plugins = ${JSON.stringify(DISABLED)}

[grpc]
  address = ${JSON.stringify(address)}

[debug]
  level = "info"
`;
}
