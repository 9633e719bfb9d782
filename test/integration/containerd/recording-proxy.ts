import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  Client,
  credentials,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** One call that went through, in the order of arrival. */
export interface RecordedCall {
  /** `Tasks/Create`. */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly lease: string | undefined;
  readonly hasDeadline: boolean;
  readonly request: Readonly<Record<string, unknown>>;
  /** Whether the answer has been passed on. */
  answered: boolean;
}

/** What is answered in containerd's place, without passing the call on or after its effect; nothing: it passes. */
export type Fault = (call: RecordedCall) => Promise<FaultAnswer | undefined> | FaultAnswer | undefined;
export type FaultAnswer =
  | { readonly error: keyof typeof status; readonly details: string; readonly after?: 'effect' }
  | { readonly answer: object; readonly after?: 'effect' };

interface LoadedMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestType: { deserialize(bytes: Buffer): Record<string, unknown> };
  readonly responseType: { serialize(value: object): Buffer };
}

const PROTO_DIR = join(import.meta.dirname, '../../../proto');
const raw = (bytes: Buffer): Buffer => bytes;

/** Stands between the agent and a real containerd, writes down what is asked and can do it wrong. */
export class RecordingProxy implements AsyncDisposable {
  readonly calls: RecordedCall[] = [];
  readonly #faults = new Map<string, Fault>();
  readonly #server = new Server({
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  readonly #upstream: Client;

  private constructor(upstream: string) {
    this.#upstream = new Client(`unix://${upstream}`, credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
    });
    const definitions = loadSync(
      readdirSync(PROTO_DIR).filter((name) => name.endsWith('.proto')),
      { longs: String, enums: String, defaults: true, includeDirs: [PROTO_DIR] },
    );
    for (const [name, definition] of Object.entries(definitions))
      if (name.startsWith('containerd.services.') && !('format' in definition))
        this.#addService(definition as unknown as Record<string, LoadedMethod>);
  }

  /** Listens on `address`; calls are passed on to the containerd at `upstream`. */
  static async start(address: string, upstream: string): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(upstream);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.bindAsync(`unix://${address}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    return proxy;
  }

  /** Names of the calls so far, those of `service` only when it is given. */
  names(service?: string): string[] {
    return this.calls
      .map(({ name }) => name)
      .filter((name) => service === undefined || name.startsWith(`${service}/`));
  }

  find(name: string): RecordedCall | undefined {
    return this.calls.find((call) => call.name === name);
  }

  /** Does `fault` to every call of that name from now on. */
  fail(name: string, fault: Fault): void {
    this.#faults.set(name, fault);
  }

  heal(): void {
    this.#faults.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    this.#upstream.close();
  }

  #addService(methods: Record<string, LoadedMethod>): void {
    const definition: Record<string, unknown> = {};
    const implementation: UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(methods)) {
      const { path, requestStream, responseStream } = method;
      if (requestStream) continue;
      definition[name] = {
        path,
        requestStream,
        responseStream,
        requestSerialize: raw,
        requestDeserialize: raw,
        responseSerialize: raw,
        responseDeserialize: raw,
      };
      implementation[name] = responseStream
        ? (call: ServerWritableStream<Buffer, Buffer>) => this.#stream(method, call)
        : (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) =>
            void this.#unary(method, call, answer);
    }
    this.#server.addService(definition as never, implementation);
  }

  async #unary(
    method: LoadedMethod,
    call: ServerUnaryCall<Buffer, Buffer>,
    answer: sendUnaryData<Buffer>,
  ): Promise<void> {
    const recorded = this.#record(method, call.request, call.metadata, call.getDeadline());
    const done: sendUnaryData<Buffer> = (error, value) => {
      recorded.answered = true;
      answer(error, value);
    };
    const fault = await this.#faults.get(recorded.name)?.(recorded);
    const finish = (error: ServiceError | null, value?: Buffer): void => {
      if (fault === undefined) done(error && { code: error.code, details: error.details }, value ?? null);
      else if ('answer' in fault) done(null, method.responseType.serialize(fault.answer));
      else done({ code: status[fault.error], details: fault.details }, null);
    };
    if (fault !== undefined && fault.after !== 'effect') {
      finish(null);
      return;
    }
    const passed = this.#upstream.makeUnaryRequest(
      method.path,
      raw,
      raw,
      call.request,
      call.metadata,
      { deadline: call.getDeadline() },
      finish,
    );
    call.on('cancelled', () => passed.cancel());
  }

  #stream(method: LoadedMethod, call: ServerWritableStream<Buffer, Buffer>): void {
    const recorded = this.#record(method, call.request, call.metadata, call.getDeadline());
    const passed = this.#upstream.makeServerStreamRequest(method.path, raw, raw, call.request, call.metadata);
    passed.on('data', (message: Buffer) => call.write(message));
    passed.on('error', (error: ServiceError) =>
      call.emit('error', { code: error.code, details: error.details }),
    );
    passed.on('end', () => {
      recorded.answered = true;
      call.end();
    });
    call.on('cancelled', () => passed.cancel());
  }

  #record(method: LoadedMethod, request: Buffer, metadata: Metadata, deadline: Date | number): RecordedCall {
    const [service = '', name = ''] = method.path.split('/').slice(1);
    const header = (key: string) => metadata.get(key)[0]?.toString();
    const call = {
      name: `${service.slice(service.lastIndexOf('.') + 1)}/${name}`,
      namespace: header('containerd-namespace'),
      lease: header('containerd-lease'),
      hasDeadline: deadline !== Number.POSITIVE_INFINITY,
      request: method.requestType.deserialize(request),
      answered: false,
    };
    this.calls.push(call);
    return call;
  }
}
