import { z } from '../schema.ts';
import type { HealthCheck } from '../task/health.ts';

/** Docker's defaults (task-engine.md §17). */
const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 3;
const NS_PER_MS = 1_000_000;

const nanoseconds = z.nullish(z.number().check(z.nonnegative()));
const schema = z.looseObject({
  Test: z.array(z.string()).check(z.minLength(1)),
  Interval: nanoseconds,
  Timeout: nanoseconds,
  StartPeriod: nanoseconds,
  Retries: z.nullish(z.int().check(z.nonnegative())),
});

/** What a `Healthcheck` of dockerConfig.config asks for. */
export type ParsedHealthCheck =
  | { readonly kind: 'check'; readonly check: HealthCheck }
  /** `NONE`: switched off. */
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid' };

/** Reads Docker's form: times in nanoseconds, zero for the default, `CMD`, `CMD-SHELL` or `NONE` first. */
export function parseHealthCheck(value: unknown): ParsedHealthCheck {
  const parsed = schema.safeParse(value);
  if (!parsed.success) return { kind: 'invalid' };
  const { Test: test, Interval, Timeout, StartPeriod, Retries } = parsed.data;
  const [form, ...rest] = test;
  if (form === 'NONE') return { kind: 'none' };
  const command = form === 'CMD' ? rest : form === 'CMD-SHELL' ? ['/bin/sh', '-c', ...rest] : [];
  if (command.length === 0 || rest.length === 0) return { kind: 'invalid' };
  return {
    kind: 'check',
    check: {
      command,
      intervalMs: (Interval || 0) / NS_PER_MS || DEFAULT_INTERVAL_MS,
      timeoutMs: (Timeout || 0) / NS_PER_MS || DEFAULT_TIMEOUT_MS,
      retries: Retries || DEFAULT_RETRIES,
      startPeriodMs: (StartPeriod || 0) / NS_PER_MS,
    },
  };
}
