import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { RunCommand } from '../../host/run-command.ts';
import { z } from '../../schema.ts';
import { TaskError } from '../../task/errors.ts';

/** What the host has of addresses and routes; the bridge's own are left out. */
export interface HostNetworks {
  /** IPv4 addresses and destinations, with their prefix lengths where they have one. */
  readonly taken4: readonly string[];
  /** Whether the host has an IPv6 address or route that reaches beyond its links. */
  readonly ipv6: boolean;
}

interface Call {
  readonly signal: AbortSignal;
}

const linksSchema = z.array(
  z.looseObject({
    ifname: z.optional(z.string()),
    addr_info: z._default(
      z.array(
        z.looseObject({
          family: z.string(),
          local: z.string(),
          prefixlen: z.int(),
          scope: z.optional(z.string()),
        }),
      ),
      [],
    ),
  }),
);
const routesSchema = z.array(
  z.looseObject({ dst: z.string(), dev: z.optional(z.string()), type: z.optional(z.string()) }),
);

/** The host's links by iproute2; asked when the bridge is made, which is rare. */
export class HostLinks {
  readonly #run: RunCommand;

  constructor(run: RunCommand) {
    this.#run = run;
  }

  async observe(bridge: string, call: Call): Promise<HostNetworks> {
    const [links, routes4, routes6] = await Promise.all([
      this.#ask(linksSchema, ['addr', 'show'], call),
      this.#ask(routesSchema, ['-4', 'route', 'show', 'table', 'all'], call),
      this.#ask(routesSchema, ['-6', 'route', 'show', 'default'], call),
    ]);
    const addresses = links.filter(({ ifname }) => ifname !== bridge).flatMap((link) => link.addr_info);
    return {
      taken4: [
        ...addresses
          .filter(({ family }) => family === 'inet')
          .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
        ...routes4.filter(({ dev, dst }) => dev !== bridge && dst !== 'default').map(({ dst }) => dst),
      ],
      ipv6:
        routes6.some(({ dev, type }) => dev !== bridge && dev !== 'lo' && type !== 'unreachable') ||
        addresses.some(({ family, scope }) => family === 'inet6' && scope === 'global'),
    };
  }

  /**
   * Makes a bridge with that hardware address and these addresses, and brings it up; what is there already
   * stays. One run of `ip` for everything.
   */
  async ensureBridge(name: string, mac: string, addresses: readonly string[], call: Call): Promise<void> {
    const lines = [
      `link add name ${name} address ${mac} type bridge`,
      ...addresses.map(
        (address) => `addr replace ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`,
      ),
      `link set ${name} up`,
    ];
    const input = `${lines.join('\n')}\n`;
    const { stderr } = await this.#run('ip', ['-force', '-batch', '-'], { signal: call.signal, input });
    const trouble = stderr
      .split('\n')
      .filter((line) => line !== '' && !line.includes('File exists') && !line.startsWith('Command failed'));
    if (trouble.length > 0)
      throw new TaskError(
        'ContainerNetworkingError',
        `cannot make the bridge ${name}: ${trouble.join('; ')}`,
      );
  }

  /** Not there: success. */
  async removeLink(name: string, call: Call): Promise<void> {
    const { exitCode, stderr } = await this.#ip(['link', 'delete', name], call);
    if (exitCode !== 0 && !stderr.includes('Cannot find device'))
      throw new Error(`cannot remove the link ${name}: ${stderr.trim()}`);
  }

  async #ask<T>(schema: z.ZodMiniType<T>, args: readonly string[], call: Call): Promise<T> {
    const { exitCode, stdout, stderr } = await this.#ip(['-j', ...args], call);
    if (exitCode !== 0) throw new Error(`ip ${args.join(' ')} failed: ${stderr.trim()}`);
    // Nothing to show is shown as nothing by some versions.
    return schema.parse(JSON.parse(stdout.trim() === '' ? '[]' : stdout));
  }

  async #ip(args: readonly string[], { signal }: Call) {
    return await this.#run('ip', args, { signal });
  }
}

/** Whether there is a link of that name. */
export function linkExists(name: string): boolean {
  return existsSync(`${CONF4}/${name}`);
}

const CONF4 = '/proc/sys/net/ipv4/conf';
const CONF6 = '/proc/sys/net/ipv6/conf';

/**
 * Lets the host pass packets on from one link to another (ip-sysctl: ip_forward); never yields. Stays so: nobody can tell
 * who else has come to need it meanwhile.
 */
export function allowForwarding({ ipv6 }: { readonly ipv6: boolean }): void {
  // Where it is allowed the file may be one that cannot be written.
  for (const path of ['/proc/sys/net/ipv4/ip_forward', ...(ipv6 ? [`${CONF6}/all/forwarding`] : [])])
    if (readFileSync(path, 'utf8').trim() === '0') writeFileSync(path, '1');
}

/**
 * A host that forwards IPv6 no longer listens to router advertisements and loses its default route, unless it
 * is told to do both. To be called before forwarding is switched on.
 */
export async function keepRouterAdvertisements(): Promise<void> {
  if ((await readFile(`${CONF6}/all/forwarding`, 'utf8')).trim() !== '0') return;
  for (const link of await readdir(CONF6)) {
    const path = `${CONF6}/${link}/accept_ra`;
    if ((await readFile(path, 'utf8')).trim() === '1') await writeFile(path, '2');
  }
}
