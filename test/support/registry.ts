import { lookup } from 'node:dns/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { accepts, type Daemon, startDaemon } from './daemon.ts';
import { run } from './run.ts';
import { makeScratch, type Scratch } from './scratch.ts';

export interface RegistryOptions {
  /** Default none. */
  readonly auth?: 'none' | 'basic';
  /** Serves https with a certificate of its own. */
  readonly tls?: boolean;
  /** Serves, by https, only those who show a certificate that it knows. */
  readonly wantsCertificate?: boolean;
  /**
   * By this machine's own name instead of its loopback address: for programs that take addresses of loopback for
   * registries without TLS. The name must resolve.
   */
  readonly named?: boolean;
}

/** PEM files of a certificate. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Name and password of the only user of a registry. */
export interface RegistryUser {
  readonly username: string;
  readonly password: string;
}

/** An image registry of this test's own, on a loopback port. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>` or `<name>:<port>`, the first part of an image's name. */
  readonly host: string;
  /** `http://` or `https://` and the host. */
  readonly url: string;
  readonly port: number;
  /** Set with `auth: 'basic'`. */
  readonly user?: RegistryUser;
  /** PEM file of the certificate to trust; set with `tls`. */
  readonly caFile?: string;
  /** What a client has to show; set with `wantsCertificate`. */
  readonly client?: CertificateFiles;
  /** Its log, with one access line a request. */
  readonly logFile: string;
  /** Requests served so far, `GET /v2/test/manifests/1 200`, in order. */
  requests(): string[];
  /** Ends the server and waits for it; what was pushed stays for `start`. */
  halt(): Promise<void>;
  /** Serves again on the same port. */
  start(): Promise<void>;
  /** Ends the server and removes its files. May be called twice. */
  stop(): Promise<void>;
}

/** Starts a registry and waits until it serves. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const scratch = makeScratch();
  try {
    return await serve(scratch, options);
  } catch (error) {
    await scratch.remove();
    throw error;
  }
}

async function serve(scratch: Scratch, options: RegistryOptions): Promise<TestRegistry> {
  const logFile = scratch.path('registry.log');
  const configFile = scratch.path('registry.json');
  const user = options.auth === 'basic' ? { username: 'tester', password: 'correct-horse' } : undefined;
  const { wantsCertificate = false, named = false } = options;
  const name = named ? hostname() : '127.0.0.1';
  const { address } = await lookup(name, 4);
  const tls = options.tls || wantsCertificate ? await makeCertificate(scratch, 'registry', name) : undefined;
  const client = wantsCertificate ? await makeCertificate(scratch, 'client') : undefined;
  if (user !== undefined)
    writeFileSync(scratch.path('htpasswd'), await run('htpasswd', ['-Bbn', user.username, user.password]));

  const writeConfig = (port: number) =>
    writeFileSync(
      configFile,
      // YAML reads JSON.
      JSON.stringify({
        version: '0.1',
        log: { level: 'info', fields: {} },
        storage: { filesystem: { rootdirectory: scratch.path('data') }, delete: { enabled: true } },
        ...(user && { auth: { htpasswd: { realm: 'test', path: scratch.path('htpasswd') } } }),
        http: {
          addr: `${address}:${port}`,
          secret: 'test',
          ...(tls && {
            tls: {
              certificate: tls.certFile,
              key: tls.keyFile,
              ...(client && { clientcas: [client.certFile] }),
            },
          }),
        },
      }),
    );
  const start = (ready: () => boolean | Promise<boolean>): Promise<Daemon> =>
    startDaemon({ command: 'docker-registry', args: ['serve', configFile], logFile, ready });

  // Port 0, so that no other process can take the port before the registry has it.
  writeConfig(0);
  let daemon = await start(() => listeningPort(logFile, address) !== undefined);
  const port = listeningPort(logFile, address) ?? 0;
  writeConfig(port);

  const host = `${name}:${port}`;
  const halt = () => daemon.stop();
  const stop = async () => {
    await halt();
    await scratch.remove();
  };
  return {
    host,
    port,
    url: `${tls === undefined ? 'http' : 'https'}://${host}`,
    ...(user && { user }),
    ...(tls && { caFile: tls.certFile }),
    ...(client && { client }),
    logFile,
    requests: () => requestsIn(readFileSync(logFile, 'utf8')),
    halt,
    start: async () => {
      await halt();
      daemon = await start(() => accepts(port, address));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function listeningPort(logFile: string, address: string): number | undefined {
  const [, after] = readFileSync(logFile, 'utf8').split(`listening on ${address}:`);
  return after === undefined ? undefined : Number.parseInt(after, 10);
}

/** From the access lines in the combined log format, without query strings. */
function requestsIn(log: string): string[] {
  return [...log.matchAll(/^[\d.]+ - \S+ \[[^\]]+\] "(\S+ [^\s?]+)\S* HTTP\/[\d.]+" (\d{3}) /gm)].map(
    ([, request, status]) => `${request} ${status}`,
  );
}

/** Makes a certificate of its own authority for loopback and `host`; `name` is its common name and its files'. */
export async function makeCertificate(
  scratch: Scratch,
  name: string,
  host = 'localhost',
): Promise<CertificateFiles> {
  const keyFile = scratch.path(`${name}-key.pem`);
  const certFile = scratch.path(`${name}.pem`);
  const names = ['IP:127.0.0.1', 'DNS:localhost', ...(isIP(host) === 0 ? [`DNS:${host}`] : [])];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=${[...new Set(names)]}`],
    ...['-keyout', keyFile, '-out', certFile],
  ]);
  return { certFile, keyFile };
}
