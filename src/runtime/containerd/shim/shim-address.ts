import { readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from '../../../schema.ts';

/** Where a shim listens, and the version of its service. */
export interface ShimAddress {
  readonly socketPath: string;
  /** 2 or 3: `containerd.task.v<version>.Task`. */
  readonly version: number;
}

const bootstrapSchema = z.looseObject({
  version: z.int(),
  address: z.string(),
  protocol: z.string(),
});

/**
 * Looks up the shim that has the container `id`, whose first process is `pid`: the shim is that one's parent
 * and runs in the bundle of its first container; all bundles of a namespace lie side by side (containerd.md
 * §10, §15). Undefined when the process is gone, or its shim is of a kind that is not understood.
 */
export async function observeShimAddress(pid: number, id: string): Promise<ShimAddress | undefined> {
  const status = await readIfThere(`/proc/${pid}/status`);
  const shimPid = /^PPid:\s+(\d+)$/m.exec(status ?? '')?.[1];
  if (shimPid === undefined) return undefined;
  const firstBundle = await readlink(`/proc/${shimPid}/cwd`).catch(() => undefined);
  if (firstBundle === undefined) return undefined;
  const bundle = join(dirname(firstBundle), id);
  const bootstrap = await readIfThere(join(bundle, 'bootstrap.json'));
  if (bootstrap !== undefined) return parseBootstrap(bootstrap);
  const address = await readIfThere(join(bundle, 'address'));
  return address === undefined ? undefined : shimAddress(address.trim(), 2);
}

/** What containerd 2 writes; undefined for a shim that speaks something else. */
function parseBootstrap(text: string): ShimAddress | undefined {
  const { version, address, protocol } = bootstrapSchema.parse(JSON.parse(text));
  return protocol === 'ttrpc' ? shimAddress(address, version) : undefined;
}

function shimAddress(address: string, version: number): ShimAddress | undefined {
  const scheme = 'unix://';
  if (!address.startsWith(scheme)) return undefined;
  return { socketPath: address.slice(scheme.length), version };
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined);
}
