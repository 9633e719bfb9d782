import type {
  CopiedDirectory,
  ImageDisk,
  ImageRequest,
  ImageService,
  ListedImage,
  LocalImage,
  PullRequest,
} from '../../image/images.ts';

/** An image service in memory: what is pulled is there. */
export class FakeImages implements ImageService {
  readonly #images = new Map<string, LocalImage>();
  readonly #hook: (call: 'resolve' | 'pull', request: ImageRequest, signal: AbortSignal) => Promise<void>;
  /** Of every image. */
  readonly #environment: Readonly<Record<string, string>>;
  pulls = 0;
  /** What was to be removed, in order. */
  readonly removed: string[] = [];
  /** Set: no removal works. */
  removalFailure: Error | undefined;
  /** What \`list\` gives. */
  listed: readonly ListedImage[] = [];
  /** The disk of images; absent: it cannot be seen. */
  disk: ImageDisk | undefined;

  constructor(
    hook: (
      call: 'resolve' | 'pull',
      request: ImageRequest,
      signal: AbortSignal,
    ) => Promise<void> = async () => {},
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.#environment = environment;
    this.#hook = hook;
  }

  async resolveDigest(request: ImageRequest, { signal }: { signal: AbortSignal }): Promise<string> {
    await this.#hook('resolve', request, signal);
    return DIGEST;
  }

  async pull(request: PullRequest, { signal }: { signal: AbortSignal }): Promise<LocalImage> {
    await this.#hook('pull', request, signal);
    this.pulls++;
    const image: LocalImage = {
      name: request.reference,
      digest: request.digest ?? DIGEST,
      imageId: DIGEST,
      sizeBytes: 1,
      config: {
        environment: this.#environment,
        entryPoint: [],
        command: ['sh'],
        user: '',
        workingDirectory: '/',
        stopSignal: '',
        volumes: [],
      },
    };
    this.#images.set(request.reference, image);
    return image;
  }

  async find(reference: string): Promise<LocalImage | undefined> {
    return this.#images.get(reference);
  }

  async copyDirectory(): Promise<CopiedDirectory> {
    return 'absent';
  }

  async remove(reference: string): Promise<void> {
    this.removed.push(reference);
    if (this.removalFailure !== undefined) throw this.removalFailure;
    this.#images.delete(reference);
  }

  async list(): Promise<readonly ListedImage[]> {
    return this.listed;
  }

  async disks(): Promise<readonly ImageDisk[]> {
    return this.disk === undefined ? [] : [this.disk];
  }

  nameOf(reference: string): string {
    return reference;
  }
}

const DIGEST = `sha256:${'0'.repeat(64)}`;
