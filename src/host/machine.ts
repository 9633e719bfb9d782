/** What registration tells ECS about this machine. */
export interface Machine {
  /** CPUs that this process may run on: its affinity, not a cgroup quota (ecs-api.md §B2). */
  readonly cpus: number;
  /** Whole MiB of memory; 0 when it cannot be read. */
  readonly memoryMiB: number;
  /** As ECS spells it: `x86_64`, `arm64`. */
  readonly architecture: string;
}

type ReadFile = (path: string) => Promise<string | undefined>;

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', ia32: 'i386', arm64: 'arm64' };

/** Reads CPUs and memory from /proc. `fallbackCpus` is used where /proc/self/status does not tell. */
export async function observeMachine(readFile: ReadFile, fallbackCpus: () => number): Promise<Machine> {
  const [status, memory] = await Promise.all([readFile('/proc/self/status'), readFile('/proc/meminfo')]);
  const kib = Number(/^MemTotal:\s+(\d+) kB/m.exec(memory ?? '')?.[1] ?? 0);
  return {
    cpus: countAllowedCpus(status ?? '') ?? fallbackCpus(),
    memoryMiB: Math.floor(kib / 1024),
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
  };
}

function countAllowedCpus(status: string): number | undefined {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1];
  if (list === undefined) return undefined;
  const counts = list.split(',').map((part) => {
    const [first = '', last = first] = part.split('-');
    return Number(last) - Number(first) + 1;
  });
  const sum = counts.reduce((total, count) => total + count, 0);
  return Number.isInteger(sum) && sum > 0 ? sum : undefined;
}

/** `<ID>_<VERSION_ID>` of /etc/os-release, e.g. `amzn_2023`; `linux` when that does not tell. */
export async function detailedOsFamily(readFile: ReadFile): Promise<string> {
  const text = (await readFile('/etc/os-release')) ?? '';
  const id = osReleaseValue(text, 'ID');
  const version = osReleaseValue(text, 'VERSION_ID');
  return id === '' || version === '' ? 'linux' : `${id}_${version}`;
}

function osReleaseValue(text: string, key: string): string {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${key}=`));
  return (line?.slice(key.length + 1) ?? '').trim().replace(/^(["'])(.*)\1$/, '$2');
}
