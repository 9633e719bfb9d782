import { z } from '../schema.ts';
import type { LogConfig } from '../task/task-spec.ts';
import { describeIssue } from '../wire/envelope.ts';

/**
 * `dockerConfig.config` and `.hostConfig`: JSON texts in the format of Docker's container-create body (acs.md
 * §10.7). Members named here are honoured; what the others mean is decided in unsupported.ts.
 */
const text = z.nullish(z.string());
const texts = z.nullish(z.array(z.string()));
const textMap = z.nullish(z.record(z.string(), z.string()));
const flag = z.nullish(z.boolean());
const whole = z.nullish(z.int());
const words = z.nullish(
  z.union([
    z.pipe(
      z.string(),
      z.transform((word) => [word]),
    ),
    z.array(z.string()),
  ]),
);

export const configSchema = z.looseObject({
  Cmd: words,
  Entrypoint: words,
  Env: texts,
  User: text,
  Hostname: text,
  WorkingDir: text,
  Labels: textMap,
  Tty: flag,
  OpenStdin: flag,
  Domainname: text,
  NetworkDisabled: flag,
  StopSignal: text,
});

export const hostConfigSchema = z.looseObject({
  NetworkMode: text,
  CapAdd: texts,
  CapDrop: texts,
  ReadonlyRootfs: flag,
  Dns: texts,
  DnsSearch: texts,
  ExtraHosts: texts,
  Ulimits: z.nullish(z.array(z.object({ Name: z.string(), Soft: z.int(), Hard: z.int() }))),
  LogConfig: z.nullish(z.object({ Type: text, Config: textMap })),
  ShmSize: whole,
  Tmpfs: textMap,
  Sysctls: textMap,
  Memory: whole,
  MemoryReservation: whole,
  MemorySwap: whole,
  MemorySwappiness: whole,
  CpuShares: whole,
  CpuPeriod: whole,
  CpuQuota: whole,
  /** Billionths of a processor. */
  NanoCpus: whole,
  CpuRealtimePeriod: whole,
  CpuRealtimeRuntime: whole,
  CpusetCpus: text,
  CpusetMems: text,
  BlkioWeight: whole,
  PidsLimit: whole,
  OomKillDisable: flag,
  OomScoreAdj: whole,
  Privileged: flag,
  Devices: z.nullish(
    z.array(z.object({ PathOnHost: z.string(), PathInContainer: text, CgroupPermissions: text })),
  ),
  SecurityOpt: texts,
  GroupAdd: texts,
  Init: flag,
  MaskedPaths: texts,
  ReadonlyPaths: texts,
});

export type DockerConfig = z.infer<typeof configSchema>;
export type DockerHostConfig = z.infer<typeof hostConfigSchema>;

/** Members that the parser takes over into the domain's task. */
export const HONOURED_CONFIG: ReadonlySet<string> = new Set(Object.keys(configSchema.shape));
export const HONOURED_HOST_CONFIG: ReadonlySet<string> = new Set(Object.keys(hostConfigSchema.shape));

/** A text that was read, or why it could not be; the latter fails the container, not the payload. */
export type Decoded<T> = { readonly value: T; readonly problem?: string };

/** Reads `dockerConfig.config`. */
export function decodeConfig(json: string | null | undefined): Decoded<DockerConfig> {
  return decode(configSchema, json, 'DockerClientConfigError');
}

/** Reads `dockerConfig.hostConfig`. */
export function decodeHostConfig(json: string | null | undefined): Decoded<DockerHostConfig> {
  return decode(hostConfigSchema, json, 'HostConfigError');
}

/** Log driver; Docker's own default when none is named. `authStrategy` is the container's `logsAuthStrategy`. */
export function logConfigOf(
  { LogConfig: log }: DockerHostConfig,
  authStrategy: string | null | undefined,
): LogConfig {
  const options = log?.Config ?? {};
  const role = authStrategy === 'ExecutionRole' ? { useExecutionRole: true } : {};
  return log?.Type
    ? { driver: log.Type, options, ...role }
    : { driver: 'json-file', byDefault: true, options, ...role };
}

/** `KEY=value` entries as a map; one without `=` stands for an empty value. */
export function environmentOf(entries: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

function decode<T extends object>(
  schema: z.ZodMiniType<T>,
  json: string | null | undefined,
  errorName: string,
): Decoded<T> {
  const empty = schema.parse({});
  if (json === null || json === undefined || json === '') return { value: empty };
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch (error) {
    return {
      value: empty,
      problem: `${errorName}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const parsed = schema.safeParse(raw ?? {});
  if (parsed.success) return { value: parsed.data };
  return { value: empty, problem: `${errorName}: ${parsed.error.issues.map(describeIssue).join('; ')}` };
}
