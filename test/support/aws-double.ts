import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { verifySignature } from '../../src/control-plane/http/signature.ts';

/** A key that may ask; anything else is refused as AWS refuses it. */
export interface DoubleKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** One request that was served. */
export interface DoubleCall {
  /** `ssm.GetParameters`, `s3.GET`. */
  readonly operation: string;
  readonly accessKeyId: string;
  readonly region: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Of S3. */
  readonly path: string;
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const SIGNING_NAME = /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\/aws4_request/;

/**
 * SSM Parameter Store, Secrets Manager, S3 and ECR on one loopback port. It checks signatures, and has what a test
 * puts into its maps.
 */
export class AwsDouble implements AsyncDisposable {
  readonly keys: DoubleKey[] = [];
  /** Keys that somebody else has issued. */
  otherKeyOf: (accessKeyId: string) => Omit<DoubleKey, 'accessKeyId'> | undefined = () => undefined;
  /** By name. */
  readonly parameters = new Map<string, string>();
  /** Texts by ARN, or ARN and version (`arn#id` or `arn#stage`). */
  readonly secrets = new Map<string, string>();
  /** By `bucket/key`. */
  readonly objects = new Map<string, string>();
  /** Regions of buckets that are not where they are looked for. */
  readonly bucketRegions = new Map<string, string>();
  /** `user:password` of a registry, and how long a token of it is good. */
  readonly registries = new Map<string, { readonly login: string; readonly lifeMs: number }>();
  /** Refuses whatever this gives an answer for. */
  refuse: (call: DoubleCall) => Refusal | undefined = () => undefined;
  /** Requests wait here before they are answered. */
  hold: (call: DoubleCall) => Promise<void> = async () => {};
  readonly calls: DoubleCall[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<AwsDouble> {
    const double = new AwsDouble();
    const { promise, resolve } = Promise.withResolvers<void>();
    double.#server.listen(0, '127.0.0.1', resolve);
    await promise;
    return double;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Operations in the order in which they came. */
  get operations(): readonly string[] {
    return this.calls.map(({ operation }) => operation);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await textOf(request);
    const [, region = '', service = ''] = SIGNING_NAME.exec(request.headers.authorization ?? '') ?? [];
    const json = service !== 's3';
    try {
      const accessKeyId = this.#verify(request, text, region, service);
      const path = new URL(request.url ?? '', this.url).pathname;
      const target = String(request.headers['x-amz-target']).split('.')[1];
      const operation = `${service}.${json ? target : request.method}`;
      const call = { operation, accessKeyId, region, path, body: json ? JSON.parse(text) : {} };
      this.calls.push(call);
      await this.hold(call);
      const refusal = this.refuse(call);
      if (refusal !== undefined) throw new DoubleError(refusal);
      if (json) {
        const answer = JSON.stringify(this.#answer(call));
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(answer);
      } else this.#serveObject(call, response);
    } catch (error) {
      const { status, code, message } = refusalOf(error);
      response.writeHead(status, {
        'content-type': json ? 'application/x-amz-json-1.1' : 'application/xml',
        ...(error instanceof DoubleError && error.headers),
      });
      const xml = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
      response.end(json ? JSON.stringify({ __type: code, message }) : request.method === 'HEAD' ? '' : xml);
    }
  }

  #verify(request: IncomingMessage, body: string, region: string, service: string): string {
    const { pathname: path, search } = new URL(request.url ?? '', this.url);
    return verifySignature(
      { method: request.method ?? '', path, query: search.slice(1), headers: request.headers, body },
      {
        region,
        service,
        nowMs: Date.now(),
        keyOf: (id) => this.keys.find(({ accessKeyId }) => accessKeyId === id) ?? this.otherKeyOf(id),
      },
    );
  }

  #answer({ operation, body }: DoubleCall): object {
    switch (operation) {
      case 'ssm.GetParameters':
        return this.#getParameters(body.Names as string[]);
      case 'secretsmanager.GetSecretValue':
        return this.#getSecretValue(body as { SecretId: string; VersionId?: string; VersionStage?: string });
      case 'ecr.GetAuthorizationToken':
        return this.#getAuthorizationToken(body.registryIds as string[]);
      default:
        throw new DoubleError({ status: 400, code: 'UnknownOperationException', message: operation });
    }
  }

  #getParameters(names: readonly string[]): object {
    if (names.length > 10)
      throw new DoubleError({ status: 400, code: 'ValidationException', message: 'more than ten names' });
    const known = names.filter((name) => this.parameters.has(name));
    return {
      Parameters: known.map((Name) => ({ Name, Type: 'SecureString', Value: this.parameters.get(Name) })),
      InvalidParameters: names.filter((name) => !this.parameters.has(name)),
    };
  }

  #getSecretValue({
    SecretId,
    VersionId,
    VersionStage,
  }: Readonly<Record<string, string | undefined>>): object {
    const version = VersionId ?? VersionStage;
    const SecretString = this.secrets.get(version === undefined ? `${SecretId}` : `${SecretId}#${version}`);
    if (SecretString === undefined)
      throw new DoubleError({
        status: 400,
        code: 'ResourceNotFoundException',
        message: "Secrets Manager can't find the specified secret.",
      });
    return { ARN: SecretId, Name: SecretId, SecretString };
  }

  #getAuthorizationToken(registryIds: readonly string[]): object {
    return {
      authorizationData: registryIds.flatMap((id) => {
        const registry = this.registries.get(id);
        if (registry === undefined) return [];
        return {
          authorizationToken: Buffer.from(registry.login).toString('base64'),
          expiresAt: (Date.now() + registry.lifeMs) / 1000,
          proxyEndpoint: `https://${id}.dkr.ecr.us-west-2.amazonaws.com`,
        };
      }),
    };
  }

  #serveObject({ path, operation, region }: DoubleCall, response: ServerResponse): void {
    const [bucket = '', ...rest] = decodeURIComponent(path).slice(1).split('/');
    const home = this.bucketRegions.get(bucket) ?? 'us-west-2';
    const headers = { 'x-amz-bucket-region': home };
    if (operation === 's3.HEAD') {
      response.writeHead(region === home ? 200 : 301, headers).end();
      return;
    }
    const text = this.objects.get([bucket, ...rest].join('/'));
    if (region !== home)
      throw new DoubleError({ status: 301, code: 'PermanentRedirect', message: 'wrong region' }, headers);
    if (text === undefined)
      throw new DoubleError({ status: 404, code: 'NoSuchKey', message: 'The specified key does not exist.' });
    response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
  }
}

class DoubleError extends Error {
  readonly refusal: Refusal;
  readonly headers: Readonly<Record<string, string>>;

  constructor(refusal: Refusal, headers: Readonly<Record<string, string>> = {}) {
    super(refusal.message);
    this.refusal = refusal;
    this.headers = headers;
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof DoubleError) return error.refusal;
  if (!(error instanceof Error)) return { status: 500, code: 'InternalFailure', message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'InternalFailure';
  const status = 'status' in error && typeof error.status === 'number' ? error.status : 403;
  return { status, code, message: error.message };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
