import { readdirSync } from 'node:fs';
import type { MethodDefinition } from '@grpc/proto-loader';
import { loadSync } from '@grpc/proto-loader';
import { ownFile } from '../../host/program-files.ts';
import type { TaskExit__Output } from './generated/containerd/events/TaskExit.ts';
import type { TaskOOM__Output } from './generated/containerd/events/TaskOOM.ts';
import type {
  Options as RuncOptions,
  Options__Output as RuncOptions__Output,
} from './generated/containerd/runc/v1/Options.ts';
import type { ContainersDefinition } from './generated/containerd/services/containers/v1/Containers.ts';
import type { ContentDefinition } from './generated/containerd/services/content/v1/Content.ts';
import type { DiffDefinition } from './generated/containerd/services/diff/v1/Diff.ts';
import type { EventsDefinition } from './generated/containerd/services/events/v1/Events.ts';
import type { ImagesDefinition } from './generated/containerd/services/images/v1/Images.ts';
import type { IntrospectionDefinition } from './generated/containerd/services/introspection/v1/Introspection.ts';
import type { LeasesDefinition } from './generated/containerd/services/leases/v1/Leases.ts';
import type { NamespacesDefinition } from './generated/containerd/services/namespaces/v1/Namespaces.ts';
import type { SnapshotsDefinition } from './generated/containerd/services/snapshots/v1/Snapshots.ts';
import type { TasksDefinition } from './generated/containerd/services/tasks/v1/Tasks.ts';
import type { VersionDefinition } from './generated/containerd/services/version/v1/Version.ts';
import type { WaitRequest } from './generated/containerd/task/WaitRequest.ts';
import type { WaitResponse__Output } from './generated/containerd/task/WaitResponse.ts';
import type { Request as TtrpcRequest } from './generated/ttrpc/Request.ts';
import type { Response__Output as TtrpcResponse } from './generated/ttrpc/Response.ts';

/** The services of containerd that this agent calls. */
interface Services {
  readonly containers: ContainersDefinition;
  readonly content: ContentDefinition;
  readonly diff: DiffDefinition;
  readonly events: EventsDefinition;
  readonly images: ImagesDefinition;
  readonly introspection: IntrospectionDefinition;
  readonly leases: LeasesDefinition;
  readonly namespaces: NamespacesDefinition;
  readonly snapshots: SnapshotsDefinition;
  readonly tasks: TasksDefinition;
  readonly version: VersionDefinition;
}

/** Full names, as in the path of a call. */
const SERVICE_NAMES: Readonly<Record<ServiceName, string>> = {
  containers: 'containerd.services.containers.v1.Containers',
  content: 'containerd.services.content.v1.Content',
  diff: 'containerd.services.diff.v1.Diff',
  events: 'containerd.services.events.v1.Events',
  images: 'containerd.services.images.v1.Images',
  introspection: 'containerd.services.introspection.v1.Introspection',
  leases: 'containerd.services.leases.v1.Leases',
  namespaces: 'containerd.services.namespaces.v1.Namespaces',
  snapshots: 'containerd.services.snapshots.v1.Snapshots',
  tasks: 'containerd.services.tasks.v1.Tasks',
  version: 'containerd.services.version.v1.Version',
};

type DeclaredKeys<T> = keyof {
  [K in keyof T as string extends K ? never : number extends K ? never : K]: unknown;
};

interface Streams {
  readonly content: 'List' | 'Read' | 'Write';
  readonly snapshots: 'List';
  readonly events: 'Subscribe';
}

export type ServiceName = keyof Services;
/** Methods with one request and one answer. */
export type UnaryName<S extends ServiceName> = Exclude<
  DeclaredKeys<Services[S]> & string,
  S extends keyof Streams ? Streams[S] : never
>;
/** Methods that answer with a stream. */
export type StreamName<S extends keyof Streams> = Exclude<Streams[S], 'Write'>;
export type RequestOf<S extends ServiceName, M extends keyof Services[S]> =
  Services[S][M] extends MethodDefinition<infer Request, infer _R, infer _O, infer _P> ? Request : never;
export type AnswerOf<S extends ServiceName, M extends keyof Services[S]> =
  Services[S][M] extends MethodDefinition<infer _R, infer _A, infer _O, infer Answer> ? Answer : never;

/** Messages that travel inside an Any, by the name behind the last `/` of its type URL. */
export interface AnyMessages {
  readonly 'containerd.events.TaskExit': { readonly in: never; readonly out: TaskExit__Output };
  readonly 'containerd.events.TaskOOM': { readonly in: never; readonly out: TaskOOM__Output };
  readonly 'containerd.runc.v1.Options': { readonly in: RuncOptions; readonly out: RuncOptions__Output };
}

/** Messages of the conversation with a shim (containerd.md §15). */
interface ShimMessages {
  readonly 'ttrpc.Request': { readonly in: TtrpcRequest; readonly out: never };
  readonly 'ttrpc.Response': { readonly in: never; readonly out: TtrpcResponse };
  readonly 'containerd.task.WaitRequest': { readonly in: WaitRequest; readonly out: never };
  readonly 'containerd.task.WaitResponse': { readonly in: never; readonly out: WaitResponse__Output };
}

/** Messages that are coded by themselves, not as part of a gRPC call. */
type Messages = AnyMessages & ShimMessages;

export interface Codec<In, Out> {
  readonly serialize: (value: In) => Buffer;
  readonly deserialize: (bytes: Buffer) => Out;
}

/** How one method goes over the wire. */
export interface Method<Request, Answer> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Answer;
}

/** The loaded definitions of `proto/`. Costs about 40 ms and 6 MB: load once per connection. */
export class ContainerdApi {
  readonly #definitions: Readonly<Record<string, unknown>>;

  constructor() {
    const protoDir = ownFile('proto');
    this.#definitions = loadSync(
      readdirSync(protoDir).filter((name) => name.endsWith('.proto')),
      // 64-bit numbers as text: a JavaScript number would round those above 2^53 (CTD-44).
      { longs: String, enums: String, defaults: true, includeDirs: [protoDir] },
    );
  }

  method<S extends ServiceName, M extends keyof Services[S] & string>(
    service: S,
    name: M,
  ): Method<RequestOf<S, M>, AnswerOf<S, M>> {
    const methods = this.#definitions[SERVICE_NAMES[service]] as Record<
      string,
      Method<RequestOf<S, M>, AnswerOf<S, M>>
    >;
    const method = methods[name];
    if (method === undefined) throw new Error(`proto/ has no method ${SERVICE_NAMES[service]}/${name}`);
    return method;
  }

  /** The codec of one message. */
  message<N extends keyof Messages>(name: N): Codec<Messages[N]['in'], Messages[N]['out']> {
    const codec = this.#definitions[name];
    if (codec === undefined) throw new Error(`proto/ has no message ${name}`);
    return codec as Codec<Messages[N]['in'], Messages[N]['out']>;
  }
}
