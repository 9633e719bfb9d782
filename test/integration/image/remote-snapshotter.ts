import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import type { RequestOf } from '../../../src/runtime/containerd/api.ts';
import type { ContainerdClient, RequestOptions } from '../../../src/runtime/containerd/client.ts';
import { ContainerdError } from '../../../src/runtime/containerd/containerd-error.ts';

const REF = 'containerd.io/snapshot.ref';
const PROTO = fileURLToPath(new URL('../../../proto', import.meta.url));

/** A snapshotter plugin that has some layers from elsewhere, as lazy-pulling ones do. */
export interface RemoteSnapshotter extends AsyncDisposable {
  /** Chain IDs of the layers it provides, with the file that each brings. */
  readonly provided: Map<string, { readonly path: string; readonly content: string }>;
  /** `snapshot.ref` of every Prepare it saw. */
  readonly prepared: (string | undefined)[];
}

type Reply = (error: Partial<ServiceError> | null, answer?: object) => void;
interface UnaryCall<Request> {
  readonly request: Request;
}

/**
 * Serves the snapshots API on a socket for containerd's `proxy_plugins`. Real overlay snapshots lie behind it,
 * in another containerd.
 */
export async function serveRemoteSnapshotter(
  socket: string,
  backing: ContainerdClient,
): Promise<RemoteSnapshotter> {
  const labelsOf = new Map<string, Record<string, string>>();
  const provided: RemoteSnapshotter['provided'] = new Map();
  const prepared: (string | undefined)[] = [];
  const options = (): RequestOptions => ({ signal: AbortSignal.timeout(20_000) });
  const snapshotter = 'overlayfs';
  // Keeps the backing containerd's collector away.
  const root = { 'containerd.io/gc.root': '1' };

  const unary =
    <Request>(work: (request: Request) => Promise<object>) =>
    (call: UnaryCall<Request>, reply: Reply) => {
      work(call.request).then(
        (answer) => reply(null, answer),
        (error: unknown) =>
          reply({
            code: error instanceof ContainerdError ? status[error.code] : status.UNKNOWN,
            details: String(error),
          }),
      );
    };

  const prepare = async (request: RequestOf<'snapshots', 'Prepare'>): Promise<object> => {
    const { key = '', parent = '', labels = {} } = request;
    const ref = labels[REF];
    prepared.push(ref);
    const file = provided.get(ref ?? '');
    const { mounts } = await backing.unary(
      'snapshots',
      'Prepare',
      { snapshotter, key, parent, labels: root },
      options(),
    );
    labelsOf.set(key, labels);
    if (file === undefined) return { mounts };
    const [mount] = mounts ?? [];
    const upper = mount?.options?.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length);
    writeFileSync(join(upper ?? mount?.source ?? '', file.path), file.content);
    const name = `remote-${key}`;
    await backing.unary('snapshots', 'Commit', { snapshotter, name, key, labels: root }, options());
    labelsOf.set(name, labels);
    throw new ContainerdError('ALREADY_EXISTS', 'Prepare', `${ref} is provided`);
  };

  const definitions = loadSync('snapshots.proto', {
    includeDirs: [PROTO],
    longs: String,
    enums: String,
    defaults: true,
  });
  const service = definitions['containerd.services.snapshots.v1.Snapshots'] as Record<
    string,
    MethodDefinition<object, object>
  >;
  const server = new Server();
  server.addService(service, {
    Prepare: unary(prepare),
    View: unary((request: RequestOf<'snapshots', 'View'>) =>
      backing.unary('snapshots', 'View', { ...request, snapshotter, labels: root }, options()),
    ),
    Mounts: unary((request: RequestOf<'snapshots', 'Mounts'>) =>
      backing.unary('snapshots', 'Mounts', { ...request, snapshotter }, options()),
    ),
    Commit: unary(async (request: RequestOf<'snapshots', 'Commit'>) => {
      labelsOf.set(request.name ?? '', request.labels ?? {});
      return backing.unary('snapshots', 'Commit', { ...request, snapshotter, labels: root }, options());
    }),
    Remove: unary((request: RequestOf<'snapshots', 'Remove'>) =>
      backing.unary('snapshots', 'Remove', { ...request, snapshotter }, options()),
    ),
    Stat: unary(async (request: RequestOf<'snapshots', 'Stat'>) => {
      const { info } = await backing.unary('snapshots', 'Stat', { ...request, snapshotter }, options());
      return { info: { ...info, labels: labelsOf.get(info?.name ?? '') ?? {} } };
    }),
    Usage: unary((request: RequestOf<'snapshots', 'Usage'>) =>
      backing.unary('snapshots', 'Usage', { ...request, snapshotter }, options()),
    ),
    List: (call: { write(message: object): void; end(): void }) => {
      void (async () => {
        for await (const { info } of backing.stream('snapshots', 'List', { snapshotter }, options())) {
          call.write({ info: info?.map((one) => ({ ...one, labels: labelsOf.get(one.name) ?? {} })) });
        }
        call.end();
      })();
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return {
    provided,
    prepared,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}
