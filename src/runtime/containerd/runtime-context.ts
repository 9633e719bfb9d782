import type { NarrowGate } from '../../async/narrow-gate.ts';
import type { AppArmor } from './apparmor/apparmor.ts';
import type { ContainerdClient } from './client.ts';
import type { ContainerWatches } from './container-watches.ts';
import type { FreshContainers } from './fresh-containers.ts';
import type { HostFacts } from './host-facts.ts';
import type { ImageRoots } from './image-root.ts';
import type { RuntimeLog } from './runtime-log.ts';
import type { ShimNotes } from './shim/shim-notes.ts';
import type { ShimProcesses } from './shim/shim-processes.ts';
import type { SilentShims } from './shim/silent-shims.ts';
import type { UserFilesOfImages } from './user-files.ts';

/** What the runtime's operations share. */
export interface RuntimeContext {
  readonly client: ContainerdClient;
  readonly watches: ContainerWatches;
  readonly shims: ShimNotes;
  readonly shimProcesses: ShimProcesses;
  readonly silentShims: SilentShims;
  readonly images: ImageRoots;
  readonly userFiles: UserFilesOfImages;
  readonly fresh: FreshContainers;
  /** As many starts at once as the machine does well: more take longer altogether. */
  readonly startGate: NarrowGate;
  readonly host: HostFacts;
  readonly appArmor: AppArmor;
  readonly log: RuntimeLog;
  readonly snapshotter: string;
  /** containerd's runtime, `io.containerd.runc.v2`. */
  readonly runtimeName: string;
  /** OCI runtime by name or path, e.g. `crun`; absent: the shim's default. */
  readonly ociRuntime?: string;
  /** Folder for the FIFOs of execs and stdin. */
  readonly runDir: string;
}
