import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import tls from 'node:tls';
import type { TlsSettings } from './endpoint.ts';

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The certificates that registries are checked against: those of SSL_CERT_FILE and SSL_CERT_DIR (a list with
 * colons) when either is set, else the machine's, else the ones that come with Node; and those of the settings. A
 * file that cannot be read throws, since going on without it would show up as a puzzling certificate error later.
 */
export async function trustContext(
  env: Readonly<Record<string, string | undefined>>,
  settings?: TlsSettings,
): Promise<tls.SecureContext> {
  const trusted = await certificatesOf(env);
  const added = await blocksOf(settings?.caFiles ?? []);
  const base = trusted ?? (added.length > 0 ? tls.rootCertificates : undefined);
  const pairs = await Promise.all(
    (settings?.clientPairs ?? []).map(async ({ certFile, keyFile }) => ({
      cert: await readFile(certFile),
      key: await readFile(keyFile),
    })),
  );
  return tls.createSecureContext({
    ...(base !== undefined && { ca: [...new Set([...base, ...added])] }),
    ...(pairs.length > 0 && { cert: pairs.map(({ cert }) => cert), key: pairs.map(({ key }) => key) }),
  });
}

/** Undefined: those that come with Node. */
async function certificatesOf(
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[] | undefined> {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: directories } = env;
  if (!file && !directories) {
    const system = tls.getCACertificates('system');
    return system.length > 0 ? system : undefined;
  }
  const files = file ? [file] : [];
  for (const directory of (directories ?? '').split(':').filter((path) => path !== '')) {
    const entries = await readdir(directory, { withFileTypes: true });
    for (const entry of entries) if (!entry.isDirectory()) files.push(join(directory, entry.name));
  }
  return await blocksOf(files);
}

async function blocksOf(files: readonly string[]): Promise<readonly string[]> {
  const texts = await Promise.all(files.map((path) => readFile(path, 'utf8')));
  return texts.flatMap((text) => text.match(PEM_BLOCK) ?? []);
}
