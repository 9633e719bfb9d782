import type { Findings } from './config-error.ts';
import type { Environment, ReadFile } from './environment.ts';
import type { LogLevel } from './instance-variables.ts';
import type { VariableValues } from './variables.ts';

/** Settings that follow from several others or from the host; they replace the rows of the same name. */
export interface DerivedSettings {
  /** Task cgroups: `required` makes a host without them fatal, `preferred` drops the feature (CFG-41, CFG-89). */
  readonly taskCpuMemLimit: 'required' | 'preferred' | 'off';
  readonly reservedPorts: readonly number[];
  readonly taskEni: boolean;
  readonly eniTrunking: boolean;
  readonly noInstanceIdentity: boolean;
  readonly taskMetadataSteadyRate: number;
  readonly taskMetadataBurstRate: number;
  readonly pollingMetricsWaitMs: number;
  readonly logLevelOnInstance: LogLevel;
  readonly logRollover: 'size' | 'hourly' | 'none';
  /** First and last port for dynamic host ports. */
  readonly dynamicHostPortRange: PortRange;
  /** Which addresses the instance has a default route for. */
  readonly ipCompatibility: 'ipv4' | 'ipv6' | 'dual';
  readonly excludeIpv6PortBinding: boolean;
  /** Where CNI plugins are looked for, in order. */
  readonly cniPluginDirectories: readonly string[];
  readonly runDirectory: string;
  /** Never above the high one. */
  readonly imageDiskLowWatermark: number;
  /** HTTP_PROXY and its like, for node:http agents (config.md §3.1). */
  readonly proxyEnvironment: Readonly<Record<string, string>>;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const PROMETHEUS_PORT = 51_680;
const CNI_DIRECTORIES = ['/opt/cni/bin', '/usr/lib/cni'];
const NAMESPACE = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;

export async function deriveSettings(
  values: VariableValues,
  env: Environment,
  readFile: ReadFile,
  findings: Findings,
): Promise<DerivedSettings> {
  const taskEni = values.taskEni && !values.external;
  const ipCompatibility =
    values.ipCompatibility === 'auto' ? await detectIp(readFile) : values.ipCompatibility;
  const validRates = values.taskMetadataSteadyRate > 0 && values.taskMetadataBurstRate > 0;
  if (!NAMESPACE.test(values.containerdNamespace) || values.containerdNamespace.length > 76)
    findings.problems.push('ECS_CONTAINERD_NAMESPACE must be letters and digits, joined by single . _ or -');
  return {
    taskCpuMemLimit: limitMode(values.taskCpuMemLimit),
    reservedPorts: values.prometheusMetrics
      ? [...values.reservedPorts, PROMETHEUS_PORT]
      : values.reservedPorts,
    taskEni,
    eniTrunking: taskEni && values.eniTrunking,
    noInstanceIdentity: values.noInstanceIdentity || values.external,
    taskMetadataSteadyRate: validRates ? values.taskMetadataSteadyRate : 40,
    taskMetadataBurstRate: validRates ? values.taskMetadataBurstRate : 60,
    pollingMetricsWaitMs: values.pollMetrics
      ? Math.min(Math.max(values.pollingMetricsWaitMs, 5_000), 20_000)
      : values.pollingMetricsWaitMs,
    logLevelOnInstance: instanceLogLevel(values, env),
    logRollover: rollover(values.logRolloverType),
    dynamicHostPortRange: await hostPortRange(values.dynamicHostPortRange, readFile, findings),
    ipCompatibility,
    excludeIpv6PortBinding: values.excludeIpv6PortBinding ?? ipCompatibility !== 'ipv6',
    cniPluginDirectories: [values.cniPluginsPath, ...CNI_DIRECTORIES].filter((path) => path !== ''),
    imageDiskLowWatermark: lowWatermark(values, findings),
    runDirectory: values.runDirectory || runDirectoryOf(values.containerdNamespace),
    proxyEnvironment: proxyEnvironment(values, env),
  };
}

/** The documented directory for the usual namespace, one beside it for any other. */
function runDirectoryOf(namespace: string): string {
  const base = '/run/ecs-containerd-agent';
  return namespace === 'ecs' ? base : `${base}-${namespace}`;
}

function lowWatermark(values: VariableValues, findings: Findings): number {
  const { imageDiskLowWatermark: low, imageDiskHighWatermark: high } = values;
  if (low <= high) return low;
  findings.warnings.push(
    `ECS_IMAGE_DISK_LOW_WATERMARK is above ECS_IMAGE_DISK_HIGH_WATERMARK; ${high} is used for both`,
  );
  return high;
}

function limitMode(value: boolean | undefined): 'required' | 'preferred' | 'off' {
  if (value === undefined) return 'preferred';
  return value ? 'required' : 'off';
}

function instanceLogLevel(values: VariableValues, env: Environment): LogLevel {
  const given = values.logLevelOnInstance;
  if (given === 'off') return 'none';
  if (given !== '') return given;
  return (env.ECS_LOG_DRIVER ?? '') !== '' ? 'none' : values.logLevel;
}

function rollover(type: string): 'size' | 'hourly' | 'none' {
  return type === 'size' || type === 'none' ? type : 'hourly';
}

/** Proxies of the environment; the link-local services and the runtime's socket never go through one. */
function proxyEnvironment(values: VariableValues, env: Environment): Readonly<Record<string, string>> {
  const pick = (name: string) => env[name] || env[name.toLowerCase()] || '';
  const socket = values.runtime === 'docker' ? values.dockerEndpoint : values.containerdAddress;
  const proxies = { HTTP_PROXY: pick('HTTP_PROXY'), HTTPS_PROXY: pick('HTTPS_PROXY') };
  const used = Object.entries(proxies).filter(([, value]) => value !== '');
  if (used.length === 0) return {};
  const direct = pick('NO_PROXY') || `169.254.169.254,169.254.170.2,${socket.replace(/^unix:\/\//, '')}`;
  return { ...Object.fromEntries(used), NO_PROXY: direct };
}

/** The setting, else what the kernel uses for itself, else the range that IANA names dynamic (CFG-42). */
async function hostPortRange(given: string, readFile: ReadFile, findings: Findings): Promise<PortRange> {
  const own = parsePortRange(given, '-');
  if (own !== undefined) return own;
  if (given !== '')
    findings.warnings.push('ECS_DYNAMIC_HOST_PORT_RANGE is not a range of ports such as 32768-60999');
  const kernel = (await readFile('/proc/sys/net/ipv4/ip_local_port_range')) ?? '';
  return parsePortRange(kernel.trim().replace(/\s+/, '-'), '-') ?? { first: 49_153, last: 65_535 };
}

function parsePortRange(text: string, separator: string): PortRange | undefined {
  const [first, last, ...rest] = text
    .split(separator)
    .map((part) => (/^\d{1,5}$/.test(part) ? Number(part) : 0));
  if (first === undefined || last === undefined || rest.length > 0) return undefined;
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

/** By default routes; when those cannot be read, IPv4 is assumed (config.md §3.3). */
async function detectIp(readFile: ReadFile): Promise<'ipv4' | 'ipv6' | 'dual'> {
  const [route4, route6] = await Promise.all([readFile('/proc/net/route'), readFile('/proc/net/ipv6_route')]);
  if (route4 === undefined) return 'ipv4';
  const has4 = route4.split('\n').some((line) => {
    const [, destination, , flags, , , , mask] = line.split('\t');
    return destination === '00000000' && mask === '00000000' && isUsable(flags);
  });
  const has6 = (route6 ?? '').split('\n').some((line) => {
    const [destination, length, , , , , , , flags, device] = line.split(/\s+/);
    return destination === '0'.repeat(32) && length === '00' && device !== 'lo' && isUsable(flags);
  });
  if (has6) return has4 ? 'dual' : 'ipv6';
  return 'ipv4';
}

/** RTF_UP without RTF_REJECT: the kernel keeps an unreachable default route where there is no real one. */
function isUsable(flags: string | undefined): boolean {
  const bits = Number.parseInt(flags ?? '0', 16);
  return (bits & 0x1) !== 0 && (bits & 0x200) === 0;
}
