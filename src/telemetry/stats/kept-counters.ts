import { z } from '../../schema.ts';
import type { Counters } from './continuous-counters.ts';

/** What is kept of a container's counters, so that they go on over its restarts also when the agent is restarted. */
export interface KeptCounters {
  /** Of the run that was measured last. */
  readonly pid: number;
  /** With the counts of earlier runs in it. */
  readonly latest: Counters;
  /** Of the earlier runs; absent: there were none. */
  readonly base?: Counters;
}

const count = z.number().check(z.nonnegative());
const cpuSchema = z.object({
  total: count,
  kernel: count,
  user: count,
  perCpu: z.exactOptional(z.array(count)),
  periods: count,
  throttledPeriods: count,
  throttledTime: count,
});
const interfaceSchema = z.object({
  rxBytes: count,
  rxPackets: count,
  rxErrors: count,
  rxDropped: count,
  txBytes: count,
  txPackets: count,
  txErrors: count,
  txDropped: count,
});
const countersSchema = z.object({
  cpu: cpuSchema,
  read: count,
  written: count,
  networks: z.exactOptional(
    z.pipe(
      z.array(z.tuple([z.string(), interfaceSchema])),
      z.transform((entries) => new Map(entries)),
    ),
  ),
});
const recordSchema = z.object({
  version: z.literal(1),
  containers: z.record(
    z.string(),
    z.object({
      pid: z.int().check(z.positive()),
      latest: countersSchema,
      base: z.exactOptional(countersSchema),
    }),
  ),
});

/** By runtime id, as text for the store. */
export function encodeKeptCounters(all: ReadonlyMap<string, KeptCounters>): string {
  const containers = Object.fromEntries(all);
  return JSON.stringify({ version: 1, containers }, (_, value: unknown) =>
    value instanceof Map ? [...value] : value,
  );
}

/** Back from such a text. Throws on any other. */
export function parseKeptCounters(text: string): ReadonlyMap<string, KeptCounters> {
  return new Map(Object.entries(recordSchema.parse(JSON.parse(text)).containers));
}
