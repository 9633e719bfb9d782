import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureNetworkNamespace, removeNetworkNamespace } from '../../src/host/netns.ts';
import { COMMAND_PATH, runCommand } from '../../src/host/run-command.ts';
import {
  type BridgeProcess,
  BridgeStage,
  container,
  type TestContainer,
  tcp,
} from '../../test/integration/network/bridge-stage.ts';
import { NetworkHost } from '../../test/support/network-host.ts';
import { tryRun } from '../../test/support/run.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { until } from '../../test/support/until.ts';
import type { BenchmarkOptions } from '../bench.ts';
import { bundledAgent } from './agent-build.ts';
import { type Contender, interleave, timed } from './interleave.ts';
import type { Report, Row } from './report.ts';

const ROUNDS = 30;
const EMPTY = 'node, an empty file';
const MOVED = 'ip, a link into a namespace';
const PLUGINS = ['/opt/cni/bin', '/usr/lib/cni'];
const { signal } = new AbortController();

/** What each row is to be at most, ms. */
const AIM = { up: 45, spareUp: 25, down: 40, plugin: 120 };
const OWN = 'bridge container';
const WITH_SPARE = 'bridge container with a spare';

/**
 * `npm run bench -- network`: the network of a bridge container with one published port, beside the standard chain
 * of CNI plugins that does the same and beside a bare veth pair; and what one run of each of our plugins takes, as it
 * is installed.
 * Everything is in network namespaces that play hosts, ours in one where nobody else changes the packet filter.
 */
export async function runBenchmark({ rounds = ROUNDS }: BenchmarkOptions = {}): Promise<Report> {
  await using host = await NetworkHost.create('bench');
  await using scratch = makeScratch();
  const bundle = scratch.path('bundle');
  await bundledAgent(bundle);
  await using own = await OwnNetwork.open(OWN, 0);
  await using spared = await OwnNetwork.open(WITH_SPARE, 1);
  using _ = host.enter();
  const bare = new BareNetworks(host.name, scratch.path('chain'));
  try {
    const plugins = [
      ...ownPlugins(host.name, join(bundle, 'cni')),
      ...pluginFloors(host.name, join(bundle, 'node'), scratch.path('empty.mjs')),
    ];
    const samples = await interleave(
      [...own.contenders, own.disturbed, ...spared.contenders, ...bare.contenders, ...plugins],
      { rounds, warmUps: 2 },
    );
    const all = new Map([
      ...samples,
      [`${OWN}, before its task is made`, own.prepared.slice(-rounds)],
      [`${WITH_SPARE}, before its task is made`, spared.prepared.slice(-rounds)],
    ]);
    return {
      benchmark: 'network',
      title: 'Network of a bridge container with one published port; a run of each installed plugin of cni/',
      rows: [...all].map(([name, list]) => rowOf(name, list)),
      notes: [
        'The chain is loopback, bridge (ipMasq, host-local) and portmap, run one after another in a new namespace.',
        'The veth pair is one run of ip: pair, bridge port, address, route. Ours holds the port, opens 169.254.170.2',
        'and writes the name files too.',
      ],
    };
  } finally {
    for (const name of readdirSync('/run/netns'))
      if (name.startsWith(`${host.name}-`) && name !== host.outside)
        await tryRun('ip', ['netns', 'del', name]);
  }
}

function rowOf(name: string, samples: readonly number[]): Row {
  const [what = '', way = '', disturbed] = name.split(', ');
  const row: Row = { name, unit: 'ms', samples };
  if ((what === OWN || what === WITH_SPARE) && (way === 'up' || way === 'down') && disturbed === undefined)
    return {
      ...row,
      aim: way === 'down' ? AIM.down : what === OWN ? AIM.up : AIM.spareUp,
      against: [{ row: `plugin chain, ${way}` }, { row: `veth pair, ${way}` }],
    };
  if (!what.startsWith('ecs-')) return row;
  return {
    ...row,
    aim: AIM.plugin,
    against: [{ row: EMPTY }, { row: MOVED }].slice(0, what === 'ecs-eni' ? 2 : 1),
  };
}

/** The agent's network in a host of its own, with a container that stays: bridge and rules are made once for all. */
class OwnNetwork implements AsyncDisposable {
  readonly #name: string;
  readonly #stage: BridgeStage;
  readonly #network: BridgeProcess;
  readonly #spares: number;
  /** What a start waits for: all the rest is made beside it, ms. */
  readonly prepared: number[] = [];

  private constructor(name: string, stage: BridgeStage, network: BridgeProcess, spares: number) {
    this.#name = name;
    this.#stage = stage;
    this.#network = network;
    this.#spares = spares;
  }

  static async open(name: string, spares: number): Promise<OwnNetwork> {
    const stage = await BridgeStage.open();
    const network = await stage.start({ SPARES: `${spares}` });
    const own = new OwnNetwork(name, stage, network, spares);
    await own.#up(container('first', [tcp(80)]));
    return own;
  }

  get contenders(): readonly Contender[] {
    return [
      { name: `${this.#name}, up`, measure: async (round) => await this.#up(numbered(round)) },
      { name: `${this.#name}, down`, measure: async (round) => await this.#down(numbered(round)) },
    ];
  }

  /** As where another program, such as dockerd, changes rules between two starts. */
  get disturbed(): Contender {
    return {
      name: `${this.#name}, up, rules changed by others`,
      measure: async (round) => {
        await this.#stage.host.run('nft', 'add', 'table', 'ip', 'others');
        await this.#stage.host.run('nft', 'delete', 'table', 'ip', 'others');
        const ms = await this.#up(numbered(round));
        await this.#down(numbered(round));
        return ms;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stage[Symbol.asyncDispose]();
  }

  async #up(target: TestContainer): Promise<number> {
    const prepared = await timed(() => this.#network.prepare(target));
    const completed = await timed(() => this.#network.complete(target));
    this.prepared.push(prepared);
    if (this.#spares > 0)
      await until(() => this.#stage.spares().length === this.#spares, { what: 'spares are there' });
    return prepared + completed;
  }

  /** As at the end of a container and of its task. */
  async #down(target: TestContainer): Promise<number> {
    return await timed(async () => {
      await this.#network.release(target);
      await this.#network.removeTask(target);
    });
  }
}

function numbered(round: number): TestContainer {
  return container(`c${round}x`, [tcp(80)]);
}

/** What the standard tools take for the same by themselves. */
class BareNetworks {
  readonly #netns: string;
  readonly #chain: readonly { readonly type: string; readonly [member: string]: unknown }[];

  constructor(host: string, dataDir: string) {
    this.#netns = `/run/netns/${host}-bare`;
    const ipam = {
      type: 'host-local',
      dataDir,
      ranges: [[{ subnet: '10.77.0.0/16' }]],
      routes: [{ dst: '0.0.0.0/0' }],
    };
    this.#chain = [
      { type: 'loopback' },
      { type: 'bridge', bridge: 'chain0', isGateway: true, ipMasq: true, hairpinMode: true, ipam },
      {
        type: 'portmap',
        snat: true,
        runtimeConfig: { portMappings: [{ hostPort: 41_000, containerPort: 80, protocol: 'tcp' }] },
      },
    ];
  }

  get contenders(): readonly Contender[] {
    return [
      { name: 'plugin chain, up', measure: () => timed(() => this.#chainUp()) },
      { name: 'plugin chain, down', measure: () => timed(() => this.#chainDown()) },
      { name: 'veth pair, up', measure: () => timed(() => this.#vethUp()) },
      { name: 'veth pair, down', measure: () => timed(async () => removeNetworkNamespace(this.#netns)) },
    ];
  }

  #result: unknown;

  async #chainUp(): Promise<void> {
    ensureNetworkNamespace(this.#netns, { ipv6: false });
    this.#result = undefined;
    for (const plugin of this.#chain) {
      const answer = JSON.parse(await this.#call('ADD', plugin));
      // lo is a network of its own.
      if (plugin.type !== 'loopback') this.#result = answer;
    }
  }

  async #chainDown(): Promise<void> {
    for (const plugin of this.#chain.toReversed()) await this.#call('DEL', plugin);
    removeNetworkNamespace(this.#netns);
  }

  async #call(command: string, plugin: { readonly type: string }): Promise<string> {
    const isLoopback = plugin.type === 'loopback';
    return await exec(findPlugin(plugin.type), command, this.#netns, isLoopback ? 'lo' : 'eth0', {
      cniVersion: '1.0.0',
      name: isLoopback ? 'lo' : 'chain',
      ...plugin,
      ...(!isLoopback && this.#result !== undefined && { prevResult: this.#result }),
    });
  }

  async #vethUp(): Promise<void> {
    ensureNetworkNamespace(this.#netns, { ipv6: false });
    const name = this.#netns.replace('/run/netns/', '');
    const input = [
      `link add vbench master chain0 type veth peer name eth0 netns ${name}`,
      'link set vbench up',
    ].join('\n');
    await must('ip', ['-batch', '-'], `${input}\n`);
    await must(
      'ip',
      ['-n', name, '-batch', '-'],
      'addr add 10.77.9.9/16 dev eth0\nlink set eth0 up\nroute add default via 10.77.0.1\n',
    );
  }
}

/** One run of each plugin of cni/ that this kernel lets do its work; a branch needs vlans and only tells its versions. */
function ownPlugins(host: string, directory: string): readonly Contender[] {
  const netns = `/run/netns/${host}-plugin`;
  const eni = { mac: '0e:00:00:00:0b:01', addresses: ['10.78.0.9/24'], gateways: ['10.78.0.1'] };
  const prevResult = {
    cniVersion: '1.0.0',
    interfaces: [{ name: 'eth0', sandbox: netns }],
    ips: [{ address: '10.78.0.9/24', gateway: '10.78.0.1', interface: 0 }],
  };
  const own = (type: string, command: string, more: object = {}) =>
    timed(() =>
      exec(join(directory, type), command, netns, 'eth0', {
        cniVersion: '1.0.0',
        name: 'own',
        type,
        ...more,
      }),
    );
  return [
    {
      name: 'ecs-eni, ADD',
      measure: async () => {
        ensureNetworkNamespace(netns, { ipv6: false });
        await tryRun('ip', `link add eni0 address ${eni.mac} type veth peer name eni1`.split(' '));
        return await own('ecs-eni', 'ADD', eni);
      },
    },
    { name: 'ecs-imds-block, ADD', measure: () => own('ecs-imds-block', 'ADD') },
    { name: 'ecs-onlink-trim, ADD', measure: () => own('ecs-onlink-trim', 'ADD', { prevResult }) },
    { name: 'ecs-branch-eni, VERSION', measure: () => own('ecs-branch-eni', 'VERSION') },
    {
      name: 'ecs-eni, DEL',
      measure: async () => {
        const ms = await own('ecs-eni', 'DEL', { ...eni, prevResult });
        removeNetworkNamespace(netns);
        return ms;
      },
    },
  ];
}

/** What no plugin of ours can do without: a start of its Node and, for an ENI, the kernel's move of a link. */
function pluginFloors(host: string, node: string, file: string): readonly Contender[] {
  writeFileSync(file, '');
  const netns = `${host}-moved`;
  return [
    { name: EMPTY, measure: () => timed(() => must(node, [file], '')) },
    {
      name: MOVED,
      measure: async () => {
        ensureNetworkNamespace(`/run/netns/${netns}`, { ipv6: false });
        await must('ip', 'link add moved0 type veth peer name moved1'.split(' '), '');
        const ms = await timed(() => must('ip', `link set moved0 netns ${netns}`.split(' '), ''));
        removeNetworkNamespace(`/run/netns/${netns}`);
        return ms;
      },
    },
  ];
}

async function exec(
  path: string,
  command: string,
  netns: string,
  ifName: string,
  config: object,
): Promise<string> {
  const env = {
    PATH: COMMAND_PATH,
    CNI_PATH: PLUGINS.join(':'),
    CNI_COMMAND: command,
    CNI_CONTAINERID: 'bench',
    CNI_NETNS: netns,
    CNI_IFNAME: ifName,
  };
  return await must(path, [], JSON.stringify(config), env);
}

/** What a program printed; rejects when it failed. */
async function must(
  program: string,
  args: readonly string[],
  input: string,
  env?: Readonly<Record<string, string>>,
): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(program, args, {
    signal,
    input,
    ...(env !== undefined && { env }),
  });
  if (exitCode !== 0) throw new Error(`${program} ended with ${exitCode}: ${stdout}${stderr}`);
  return stdout;
}

function findPlugin(type: string): string {
  const directory = PLUGINS.find((one) => {
    try {
      return readdirSync(one).includes(type);
    } catch {
      return false;
    }
  });
  if (directory === undefined) throw new Error(`CNI plugin ${type} is in none of ${PLUGINS.join(', ')}`);
  return join(directory, type);
}
