import { readFileSync, statSync, writeSync } from 'node:fs';
import { isNetworkNamespace, OWN_NAMESPACE } from '../src/host/netns.ts';
import type { CniResult } from '../src/network/cni/cni-result.ts';
import { z } from '../src/schema.ts';

/** Error codes of the CNI specification; from 100 on they are the plugins' own. */
export const CniCode = {
  incompatibleVersion: 1,
  badEnvironment: 4,
  cannotDecode: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  internal: 999,
  nameTaken: 100,
  notAsAttached: 101,
} as const;

/** Ends the plugin with an error document of the CNI specification. */
export class CniFailure extends Error {
  override readonly name = 'CniFailure';
  readonly code: number;
  readonly details: string;

  constructor(code: number, message: string, details = '') {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** What a plugin is asked to do. */
export interface CniCall<Config> {
  readonly config: Config;
  /** CNI_NETNS. */
  readonly netns: string;
  /** CNI_IFNAME. */
  readonly ifName: string;
  /** What the plugins before this one in the chain have made; CHECK: the result of the whole chain. */
  readonly prevResult?: CniResult;
}

/** What a plugin has added, for its own part of the result. */
export interface Added {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
}

/** A CNI plugin; its methods throw a `CniFailure` for what whoever calls it should know. */
export interface CniPlugin<Config> {
  readonly config: z.ZodMiniType<Config>;
  /** Whether it only makes sense behind another plugin. */
  readonly isChained: boolean;
  /** May be repeated. Nothing to tell: the result is that of the plugins before. */
  add(call: CniCall<Config>): Promise<Added | undefined>;
  /** Not there any more: success. `netns` is empty when the namespace is gone. */
  del(call: CniCall<Config>): void;
  /** What is not as it was attached; empty: all is well. */
  check(call: CniCall<Config>): readonly string[];
}

/** Oldest first, as the specification lists them. */
const VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
/** The first whose results have addresses without `version`. */
const PLAIN_RESULTS = ['1.0.0', '1.1.0'];
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const IF_NAME = /^(?!\.{1,2}$)[^/:\s]{1,15}$/;

/**
 * Runs the plugin as the CNI specification 1.1.0 says: the environment tells what to do, standard input how, and the
 * answer is one JSON document on standard output. Then the process exits, without what Node does to leave by itself.
 */
export async function runCniPlugin<Config>(plugin: CniPlugin<Config>): Promise<never> {
  let status = 0;
  let version = '1.0.0';
  try {
    const command = process.env.CNI_COMMAND ?? '';
    const input = parseInput(readFileSync(0, 'utf8'));
    if (command !== 'VERSION' && !VERSIONS.includes(input.cniVersion))
      throw new CniFailure(
        CniCode.incompatibleVersion,
        `incompatible CNI versions: the config is "${input.cniVersion}", this plugin supports ${VERSIONS.join(', ')}`,
      );
    version = VERSIONS.includes(input.cniVersion) ? input.cniVersion : version;
    const answer = await answerTo(plugin, command, input);
    if (answer !== undefined) print({ cniVersion: version, ...answer });
  } catch (error) {
    const failure =
      error instanceof CniFailure
        ? error
        : new CniFailure(CniCode.internal, error instanceof Error ? error.message : String(error));
    const { code, message, details } = failure;
    print({ cniVersion: version, code, msg: message, ...(details !== '' && { details }) });
    status = 1;
  }
  process.exit(status);
}

type Input = { readonly cniVersion: string; readonly prevResult?: unknown };

async function answerTo<Config>(
  plugin: CniPlugin<Config>,
  command: string,
  input: Input,
): Promise<object | undefined> {
  switch (command) {
    case 'VERSION':
      return { supportedVersions: VERSIONS };
    case 'ADD': {
      const call = await callOf(plugin, command, input);
      const added = await plugin.add(call);
      return resultOf(input.cniVersion, call, added);
    }
    case 'CHECK': {
      const wrong = plugin.check(await callOf(plugin, command, input));
      if (wrong.length > 0)
        throw new CniFailure(CniCode.notAsAttached, 'the attachment is not whole', wrong.join('; '));
      return undefined;
    }
    case 'DEL':
      plugin.del(await callOf(plugin, command, input));
      return undefined;
    // These plugins hold nothing outside of network namespaces, and need nothing that may be missing for a while.
    case 'GC':
    case 'STATUS':
      return undefined;
    default:
      throw new CniFailure(
        CniCode.badEnvironment,
        `CNI_COMMAND is "${command}"; it has to be ADD, DEL, CHECK, GC, STATUS or VERSION`,
      );
  }
}

async function callOf<Config>(
  plugin: CniPlugin<Config>,
  command: 'ADD' | 'CHECK' | 'DEL',
  input: Input,
): Promise<CniCall<Config>> {
  const { CNI_CONTAINERID: id = '', CNI_NETNS: netns = '', CNI_IFNAME: ifName = '' } = process.env;
  if (!NAME.test(id)) throw new CniFailure(CniCode.badEnvironment, `CNI_CONTAINERID is "${id}": not a name`);
  if (!IF_NAME.test(ifName))
    throw new CniFailure(CniCode.badEnvironment, `CNI_IFNAME is "${ifName}": not a name of a link`);
  const isThere = netns !== '' && isNetworkNamespace(netns);
  if (!isThere && command !== 'DEL')
    throw new CniFailure(CniCode.badEnvironment, `CNI_NETNS is "${netns}": no network namespace is there`);
  if (isThere && isOwn(netns) && !isTrue(process.env.CNI_NETNS_OVERRIDE))
    throw new CniFailure(
      CniCode.badEnvironment,
      `CNI_NETNS is "${netns}", the namespace of this plugin itself; CNI_NETNS_OVERRIDE=true allows that`,
    );
  const config = plugin.config.safeParse(input);
  if (!config.success)
    throw new CniFailure(CniCode.invalidConfig, 'invalid configuration', describe(config.error));
  const prevResult = await readPrevResult(input.prevResult ?? undefined);
  if (plugin.isChained && command !== 'DEL' && prevResult === undefined)
    throw new CniFailure(
      CniCode.invalidConfig,
      'there is no prevResult: this plugin belongs behind another one in a list',
    );
  return {
    config: config.data,
    netns: isThere ? netns : '',
    ifName,
    ...(prevResult !== undefined && { prevResult }),
  };
}

/** What results are like is only loaded for one: that is 3 ms of a run. */
async function readPrevResult(value: unknown): Promise<CniResult | undefined> {
  if (value === undefined) return undefined;
  const { cniResultSchema } = await import('../src/network/cni/cni-result.ts');
  const result = cniResultSchema.safeParse(value);
  if (result.success) return result.data;
  throw new CniFailure(CniCode.cannotDecode, 'prevResult cannot be read', describe(result.error));
}

/** What was there before, and what this plugin has added to it. */
function resultOf(
  version: string,
  { netns, prevResult }: CniCall<unknown>,
  added: Added | undefined,
): object {
  const before = prevResult ?? { interfaces: [], ips: [] };
  if (added === undefined) return { ...before, cniVersion: version };
  const { name, mac, mtu, addresses, gateways } = added;
  const index = before.interfaces.length;
  const isV6 = (text: string) => text.includes(':');
  const ips = addresses.map((address) => {
    const gateway = gateways.find((candidate) => isV6(candidate) === isV6(address));
    return {
      ...(!PLAIN_RESULTS.includes(version) && { version: isV6(address) ? '6' : '4' }),
      address,
      ...(gateway !== undefined && { gateway }),
      interface: index,
    };
  });
  const routes = gateways.map((gw) => ({ dst: isV6(gw) ? '::/0' : '0.0.0.0/0', gw }));
  const routesBefore = z.catch(z.array(z.unknown()), []).parse('routes' in before ? before.routes : []);
  return {
    ...before,
    cniVersion: version,
    interfaces: [...before.interfaces, { name, mac, ...(version === '1.1.0' && { mtu }), sandbox: netns }],
    ips: [...before.ips, ...ips],
    routes: [...routesBefore, ...routes],
  };
}

function parseInput(text: string): Input {
  try {
    return z.looseObject({ cniVersion: z._default(z.string(), '0.2.0') }).parse(JSON.parse(text));
  } catch (error) {
    const details = error instanceof z.core.$ZodError ? describe(error) : (error as Error).message;
    throw new CniFailure(CniCode.cannotDecode, 'standard input is no configuration', details);
  }
}

function describe(error: z.core.$ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ');
}

function isOwn(netns: string): boolean {
  const [own, other] = [statSync(OWN_NAMESPACE), statSync(netns)];
  return own.ino === other.ino && own.dev === other.dev;
}

function isTrue(value: string | undefined): boolean {
  return /^(1|t|true)$/i.test(value ?? '');
}

/** Without `process.stdout`, which loads what sockets need. */
function print(document: object): void {
  writeSync(1, `${JSON.stringify(document)}\n`);
}
