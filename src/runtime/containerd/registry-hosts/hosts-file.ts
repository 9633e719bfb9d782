import { resolve } from 'node:path';
import { parse } from 'smol-toml';
import {
  addressOf,
  type EndpointCapability,
  type RegistryEndpoint,
  type TlsSettings,
  upstreamOf,
} from '../../../image/registry/endpoint.ts';
import { z } from '../../../schema.ts';

const texts = z.union([
  z.pipe(
    z.string(),
    z.transform((one) => [one]),
  ),
  z.array(z.string()),
]);
const hostSchema = z.object({
  capabilities: z.optional(z.array(z.string())),
  ca: z.optional(texts),
  client: z.optional(
    z.union([
      z.pipe(
        z.string(),
        z.transform((one) => [one]),
      ),
      z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    ]),
  ),
  skip_verify: z.optional(z.boolean()),
  header: z.optional(z.record(z.string(), texts)),
  override_path: z.optional(z.boolean()),
});
const fileSchema = z.extend(hostSchema, {
  server: z.optional(z.string()),
  host: z.optional(z.record(z.string(), hostSchema)),
});
type HostSettings = z.infer<typeof hostSchema>;

const CAPABILITIES: readonly EndpointCapability[] = ['pull', 'resolve'];

/**
 * The endpoints of a registry that its hosts.toml names: the hosts in the order of the file, then `server`, or the
 * registry itself where there is none. `directory` is what relative file names begin at. Throws on what is no TOML,
 * or has settings of another form.
 */
export function parseHostsFile(text: string, directory: string, host: string): readonly RegistryEndpoint[] {
  const { server, host: hosts = {}, ...settings } = fileSchema.parse(parse(text));
  const mirrors = Object.entries(hosts).map(([url, one]) => endpointOf(url, one, directory, host));
  const upstream = upstreamOf(host);
  const last =
    server === undefined || server === ''
      ? {
          ...upstream,
          ...withoutCapabilities(endpointOf(upstream.address, settings, directory, host), upstream),
        }
      : endpointOf(server, settings, directory, host);
  return [...mirrors, last];
}

/** The registry itself with what certificate files lie in its directory, as Docker has them: `.crt`, `.cert`, `.key`. */
export function withCertificates(
  names: readonly string[],
  directory: string,
  host: string,
): readonly RegistryEndpoint[] {
  const path = (name: string) => resolve(directory, name);
  const caFiles = names.filter((name) => name.endsWith('.crt')).map(path);
  const clientPairs = names
    .filter((name) => name.endsWith('.cert'))
    .map((name) => {
      const key = name.replace(/\.cert$/, '.key');
      return { certFile: path(name), keyFile: path(names.includes(key) ? key : name) };
    });
  const isPlain = caFiles.length === 0 && clientPairs.length === 0;
  return [{ ...upstreamOf(host), ...(!isPlain && { tls: { caFiles, clientPairs, skipVerify: false } }) }];
}

/** Without `server`, the settings of the file's root are the registry's own, but for what it can do. */
function withoutCapabilities(
  { headers, tls }: RegistryEndpoint,
  { scheme, path, capabilities }: RegistryEndpoint,
): Partial<RegistryEndpoint> {
  return { scheme, path, capabilities, headers, ...(tls !== undefined && { tls }) };
}

function endpointOf(
  server: string,
  settings: HostSettings,
  directory: string,
  registry: string,
): RegistryEndpoint {
  const url = new URL(/^https?:\/\//.test(server) ? server : `https://${server}`);
  const path = url.pathname.replace(/\/+$/, '');
  const isWhole = path.endsWith('/v2') || settings.override_path === true;
  const tls = tlsOf(settings, directory);
  return {
    address: url.host,
    scheme: url.protocol === 'http:' ? 'http' : 'https',
    path: isWhole ? path : `${path}/v2`,
    capabilities: new Set(CAPABILITIES.filter((one) => isCapable(settings, one))),
    headers: Object.fromEntries(
      Object.entries(settings.header ?? {}).map(([name, values]) => [name, values.join(', ')]),
    ),
    ...(tls !== undefined && { tls }),
    isMirror: url.host !== addressOf(registry),
  };
}

/** None named: all. What is not for pulling, such as `push`, passes. */
function isCapable({ capabilities = [] }: HostSettings, wanted: EndpointCapability): boolean {
  return capabilities.length === 0 || capabilities.some((one) => one.toLowerCase() === wanted);
}

function tlsOf({ ca, client, skip_verify }: HostSettings, directory: string): TlsSettings | undefined {
  if (ca === undefined && client === undefined && skip_verify !== true) return undefined;
  const path = (name: string) => resolve(directory, name);
  return {
    caFiles: (ca ?? []).map(path),
    clientPairs: (client ?? []).map((pair) => {
      const [certFile, keyFile] = typeof pair === 'string' ? [pair, pair] : pair;
      return { certFile: path(certFile), keyFile: path(keyFile) };
    }),
    skipVerify: skip_verify === true,
  };
}
