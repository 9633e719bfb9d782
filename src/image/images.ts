import type { Laziness } from '../task/laziness.ts';

/**
 * Images of one runtime. A *reference* is what the task definition says (`busybox`, `host:5000/a/b:tag`,
 * `repo@sha256:…`). Repeating any call is harmless. Failures are `TaskError`s: CannotPullImageManifestError from
 * `resolveDigest`, CannotPullContainerError (or the ECR and auth kinds) from `pull`, whose text names the
 * reference, what the registry said and what to do.
 */
export interface ImageService {
  /**
   * The digest that the reference names at its registry now; of the index for a multi-architecture image
   * (task-engine.md §8.2). Undefined for a schema 1 manifest. Retries by itself, at most 9 times within a minute.
   */
  resolveDigest(request: ImageRequest, options: ResolveOptions): Promise<string | undefined>;
  /** Brings the image and unpacks it. Retries by itself (ENG-22, ENG-140). */
  pull(request: PullRequest, options: { signal: AbortSignal }): Promise<LocalImage>;
  /** The local image of that reference, unpacked and ready, if there is one. Never asks a registry. */
  find(reference: string, options: { signal: AbortSignal }): Promise<LocalImage | undefined>;
  /**
   * Copies what the image has in the directory `path` into a directory of the host: owners, modes, times and
   * extended attributes too, those of the directory itself as well. What is there of the same name is replaced.
   */
  copyDirectory(
    image: LocalImage,
    path: string,
    directory: string,
    options: { signal: AbortSignal },
  ): Promise<CopiedDirectory>;
  /** Removes the local name, or a nameless image by its id, and frees what nothing else uses. Not there: success. */
  remove(reference: string, options: { signal: AbortSignal }): Promise<void>;
  /** Every image of the runtime, whoever brought it, but for what the runtime makes itself. */
  list(options: { signal: AbortSignal }): Promise<readonly ListedImage[]>;
  /** The disks that images lie on; none where the agent cannot see them. */
  disks(options: { signal: AbortSignal }): Promise<readonly ImageDisk[]>;
  /** Name that an image of this reference has in the runtime; a text that is no reference is its own. */
  nameOf(reference: string): string;
}

/** An image as the runtime has it, under all its names. */
export interface ListedImage {
  readonly imageId: string;
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Whether this service pulled it: one that was put there by hand is not the agent's to remove unasked. */
  readonly pulled: boolean;
}

export interface ImageDisk {
  /** A directory on it. */
  readonly path: string;
  /** Without what is kept for root. */
  readonly totalBytes: number;
  /** What is left to others than root. */
  readonly freeBytes: number;
}

/** A pull does not fit on a disk. */
export interface DiskShortage {
  /** The directory that the bytes would go to. */
  readonly path: string;
  /** How much more has to be free. */
  readonly missingBytes: number;
}

/** `absent`: the image has nothing there; `notADirectory`: it has something else, and nothing was copied. */
export type CopiedDirectory = 'copied' | 'absent' | 'notADirectory';

export interface ImageRequest {
  readonly reference: string;
  readonly credentials?: RegistryCredentials;
}

export interface ResolveOptions {
  readonly signal: AbortSignal;
  /** Told what went wrong each time that it is tried again. */
  readonly onTrouble?: (trouble: string) => void;
}

export interface PullRequest extends ImageRequest {
  /** As `resolveDigest` gave it: pulled by it and then named by the reference. */
  readonly digest?: string;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Asked when the pull does not fit: removes what nobody uses, and tells whether that freed anything. */
  readonly makeRoom?: (shortage: DiskShortage) => Promise<boolean>;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** Honest figures: bytes are those of the compressed layers; a layer counts as unpacked when its snapshot is there. */
export interface PullProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly layersUnpacked: number;
  readonly layersTotal: number;
  /** What went wrong last; absent while all is well, which it is again when bytes have come. */
  readonly trouble?: string;
  /** Told by snapshotters that can pull lazily, once something is known of it. */
  readonly laziness?: Laziness;
}

export const NOTHING_PULLED: PullProgress = {
  bytesDone: 0,
  bytesTotal: 0,
  layersUnpacked: 0,
  layersTotal: 0,
};

export interface LocalImage {
  /** Name in the runtime, for `CreateContainer.image`. */
  readonly name: string;
  /** Digest that the reference resolved to (of the index where there is one), `sha256:…`. */
  readonly digest: string;
  /** Digest of the image configuration. */
  readonly imageId: string;
  readonly sizeBytes: number;
  readonly config: ImageConfig;
  /** Told by `pull` where the snapshotter can pull lazily. */
  readonly laziness?: Laziness;
}

/** The part of the OCI image configuration that a container inherits. */
export interface ImageConfig {
  readonly environment: Readonly<Record<string, string>>;
  readonly entryPoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
  readonly workingDirectory: string;
  readonly stopSignal: string;
  readonly volumes: readonly string[];
  /** `port/protocol`, a tcp one also without its protocol; absent: none. */
  readonly exposedPorts?: readonly string[];
}
