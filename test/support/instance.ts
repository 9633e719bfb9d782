import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fetchFrom, inNamespace, NetworkHost } from './network-host.ts';
import { run } from './run.ts';
import { makeScratch, type Scratch } from './scratch.ts';
import { until } from './until.ts';

const IMDS = fileURLToPath(new URL('imds-double.ts', import.meta.url));

/** The subnet of ENIs; its first addresses are the router's. */
export const VPC = { router4: '10.98.0.1', router6: 'fd98::1', imds: '169.254.169.254' } as const;
export const INSTANCE_ID = 'i-0123456789abcdef0';
export const PRIMARY_MAC = '0e:00:00:00:00:01';

/** What the double of the instance metadata service tells, as it reads it. */
export function instanceMetadata(): string {
  const ofInterface = `/latest/meta-data/network/interfaces/macs/${PRIMARY_MAC}`;
  return JSON.stringify({
    '/latest/meta-data/instance-id': INSTANCE_ID,
    '/latest/meta-data/mac': PRIMARY_MAC,
    [`${ofInterface}/vpc-id`]: 'vpc-1',
    [`${ofInterface}/subnet-id`]: 'subnet-1',
    '/latest/meta-data/placement/availability-zone-id': 'usw2-az1',
    '/latest/dynamic/instance-identity/document': JSON.stringify({
      instanceId: INSTANCE_ID,
      instanceType: 'm7i.large',
      imageId: 'ami-1',
      availabilityZone: 'us-west-2b',
      region: 'us-west-2',
      accountId: '123456789012',
      architecture: 'x86_64',
    }),
    '/latest/dynamic/instance-identity/signature': 'signature',
  });
}

/** An ENI of the played instance: one end of a veth pair, the other is plugged into the VPC. */
export interface PlayedEni {
  /** The name of the device on the host. */
  readonly name: string;
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/**
 * A network namespace that plays an EC2 instance in a VPC: `outside` is the VPC's router and has the double of the
 * instance metadata service; ENIs are veth ends.
 */
export class PlayedInstance implements AsyncDisposable {
  readonly host: NetworkHost;
  readonly scratch: Scratch;
  readonly #parts: AsyncDisposableStack;

  private constructor(host: NetworkHost, scratch: Scratch, parts: AsyncDisposableStack) {
    this.host = host;
    this.scratch = scratch;
    this.#parts = parts;
  }

  static async create(name: string, { ipv6 = false } = {}): Promise<PlayedInstance> {
    const parts = new AsyncDisposableStack();
    const scratch = parts.use(makeScratch());
    const host = parts.use(await NetworkHost.create(name, { ipv6 }));
    const lines = [
      `-n ${host.name} link set up0 address ${PRIMARY_MAC}`,
      `-n ${host.outside} link add vpc0 type bridge`,
      `-n ${host.outside} addr add ${VPC.router4}/24 dev vpc0`,
      `-n ${host.outside} -6 addr add ${VPC.router6}/64 dev vpc0 nodad`,
      `-n ${host.outside} link set vpc0 up`,
      `-n ${host.outside} addr add ${VPC.imds}/32 dev lo`,
    ];
    for (const line of lines) await run('ip', line.split(' '));
    for (const setting of ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding'])
      await run(...inNamespace(host.outside, 'sh', ['-c', `echo 1 >/proc/sys/${setting}`]));
    const instance = new PlayedInstance(host, scratch, parts);
    await instance.#serveMetadata();
    return instance;
  }

  /** Plugs an ENI in, as EC2 does when it attaches one. */
  async plug({ name, mac }: PlayedEni): Promise<void> {
    const { host } = this;
    const peer = `v-${name}`;
    await run('ip', [
      ...`link add ${peer} netns ${host.outside} type veth peer name ${name}`.split(' '),
      ...`netns ${host.name} address ${mac}`.split(' '),
    ]);
    await run('ip', `-n ${host.outside} link set ${peer} master vpc0 up`.split(' '));
  }

  /** The links of the host as `ip -o link` shows them. */
  async links(): Promise<string> {
    return await this.host.run('ip', '-o', 'link', 'show');
  }

  /** A file for `--network-interfaces` of the control plane. */
  interfacesFile(enis: readonly PlayedEni[], more: object = {}): string {
    const file = this.scratch.path('interfaces.json');
    const list = enis.map(({ mac, ipv4, ipv6 }) => ({
      macAddress: mac,
      subnetId: 'subnet-1',
      privateIpv4Addresses: [ipv4],
      ipv6Addresses: [ipv6],
      subnetGatewayIpv4Address: `${VPC.router4}/24`,
      domainNameServers: ['10.98.0.2'],
      domainName: ['us-west-2.compute.internal'],
      privateDnsName: `ip-${ipv4.replaceAll('.', '-')}.us-west-2.compute.internal`,
      ...more,
    }));
    writeFileSync(file, JSON.stringify(list));
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }

  async #serveMetadata(): Promise<void> {
    const file = this.scratch.path('imds.json');
    writeFileSync(file, instanceMetadata());
    const [program, args] = inNamespace(this.host.outside, process.execPath, [IMDS, file, VPC.imds]);
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], { stdio: 'inherit' });
    this.#parts.defer(() => void child.kill('SIGKILL'));
    await until(async () => (await fetchFrom(this.host.outside, VPC.imds, 80)) !== undefined, {
      what: 'the metadata service answers',
      timeoutMs: 20_000,
    });
  }
}
