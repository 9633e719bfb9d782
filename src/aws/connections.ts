import { readdir, readFile } from 'node:fs/promises';
import type { Agent } from 'node:http';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';

/** Settings of outgoing connections. */
export type ConnectionSettings = Pick<
  Config,
  'sslCertificateFile' | 'sslCertificateDirectory' | 'acceptInsecureCertificates' | 'proxyEnvironment'
>;

/** TLS options of node:tls, also for websockets. */
export interface TlsSettings {
  /** Absent: the authorities that Node trusts. */
  readonly ca?: string[];
  readonly rejectUnauthorized: boolean;
}

/** Kept idle connections are closed after this long. */
const IDLE_MS = 90_000;

/** An agent that keeps connections and goes through the proxies of the environment. */
export async function createHttpAgent(protocol: string, settings: ConnectionSettings): Promise<Agent> {
  const common = {
    keepAlive: true,
    timeout: IDLE_MS,
    proxyEnv: { ...settings.proxyEnvironment },
  };
  if (protocol !== 'https:') return new (await import('node:http')).Agent(common);
  const { Agent: HttpsAgent } = await import('node:https');
  return new HttpsAgent({ ...common, ...(await tlsSettings(settings)) });
}

/**
 * Certificate authorities named by SSL_CERT_FILE and SSL_CERT_DIR in place of the built-in ones. Rejects when they
 * are named but give none, since every connection would fail with a message that does not tell why.
 */
export async function tlsSettings(settings: ConnectionSettings): Promise<TlsSettings> {
  const rejectUnauthorized = !settings.acceptInsecureCertificates;
  const { sslCertificateFile: file, sslCertificateDirectory: directory } = settings;
  if (file === '' && directory === '') return { rejectUnauthorized };
  const found = [
    ...(file === '' ? [] : [await certificatesIn(file)]),
    ...(directory === '' ? [] : await certificatesOfDirectory(directory)),
  ];
  const ca = [...new Set(found.flat())];
  if (ca.length === 0)
    throw new Error(`no certificates in ${[file, directory].filter((path) => path !== '').join(' or ')}`);
  return { ca, rejectUnauthorized };
}

async function certificatesOfDirectory(directory: string): Promise<string[][]> {
  const names = await readdir(directory).catch(() => []);
  return await Promise.all(names.map((name) => certificatesIn(join(directory, name))));
}

async function certificatesIn(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}
