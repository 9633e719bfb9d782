import { glob, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from '../../../schema.ts';

/** Where containerd 2 looks when its configuration says nothing, and where earlier ones are told to look. */
const DEFAULT = ['/etc/containerd/certs.d', '/etc/docker/certs.d'];

const registrySchema = z.optional(
  z.partial(z.object({ registry: z.partial(z.object({ config_path: z.string() })) })),
);
const configSchema = z.object({
  imports: z._default(z.array(z.string()), []),
  plugins: z.optional(
    z.partial(
      z.object({
        // Of containerd 2 and of those before it.
        'io.containerd.cri.v1.images': registrySchema,
        'io.containerd.grpc.v1.cri': registrySchema,
      }),
    ),
  ),
});

/**
 * The directories with the hosts.toml files of registries: `config_path` of containerd's configuration, or of a file
 * that it imports, else the usual ones. A file that is not there, or cannot be read, says nothing.
 */
export async function readHostsDirectories(configFile: string): Promise<readonly string[]> {
  const main = await readConfig(configFile);
  let path = main?.path;
  for (const pattern of main?.imports ?? [])
    for await (const file of glob(resolve(dirname(configFile), pattern)))
      path = (await readConfig(file))?.path ?? path;
  const directories = (path ?? '').split(':').filter((directory) => directory !== '');
  return directories.length > 0 ? directories : DEFAULT;
}

async function readConfig(
  file: string,
): Promise<{ readonly path: string | undefined; readonly imports: readonly string[] } | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  // A TOML parser takes a while to load, and most configurations have nothing for it.
  if (text === undefined || !/config_path|imports/.test(text)) return undefined;
  const { parse } = await import('smol-toml');
  try {
    const { imports, plugins } = configSchema.parse(parse(text));
    const settings = plugins?.['io.containerd.cri.v1.images'] ?? plugins?.['io.containerd.grpc.v1.cri'];
    return { path: settings?.registry?.config_path || undefined, imports };
  } catch {
    return undefined;
  }
}
