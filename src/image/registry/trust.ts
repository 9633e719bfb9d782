import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import tls from 'node:tls';

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The certificates that registries are checked against: those of SSL_CERT_FILE and SSL_CERT_DIR (a list with
 * colons) when either is set, else the machine's, else the ones that come with Node. A file that cannot be read
 * throws, since going on without it would show up as a puzzling certificate error later.
 */
export async function trustContext(
  env: Readonly<Record<string, string | undefined>>,
): Promise<tls.SecureContext> {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: directories } = env;
  if (!file && !directories) {
    const system = tls.getCACertificates('system');
    return tls.createSecureContext(system.length > 0 ? { ca: [...system] } : {});
  }
  const files = file ? [file] : [];
  for (const directory of (directories ?? '').split(':').filter((path) => path !== '')) {
    const entries = await readdir(directory, { withFileTypes: true });
    for (const entry of entries) if (!entry.isDirectory()) files.push(join(directory, entry.name));
  }
  const found = new Set<string>();
  for (const path of files)
    for (const block of (await readFile(path, 'utf8')).match(PEM_BLOCK) ?? []) found.add(block);
  return tls.createSecureContext({ ca: [...found] });
}
