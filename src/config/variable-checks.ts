import type { Findings } from './config-error.ts';
import { type Sources, type Variable, variable } from './variable.ts';
import { durationText, parseBooleanText } from './variable-kinds.ts';

/** Log drivers that may stand in ECS_AVAILABLE_LOGGING_DRIVERS (config.md §2.4). */
const KNOWN_LOG_DRIVERS: ReadonlySet<string> = new Set([
  'json-file',
  'syslog',
  'journald',
  'gelf',
  'fluentd',
  'awslogs',
  'splunk',
  'logentries',
  'sumologic',
  'none',
  'awsfirelens',
]);

/** A value below `minimum` becomes `replacement`. */
export function atLeast(minimum: number, replacement: number) {
  return (value: number, name: string, findings: Findings): number => {
    if (value >= minimum) return value;
    findings.warnings.push(`${name} is below its minimum of ${minimum}; ${replacement} is used`);
    return replacement;
  };
}

/** A value that is no percentage becomes `replacement`. */
export function percent(replacement: number) {
  return (value: number, name: string, findings: Findings): number => {
    if (value >= 1 && value <= 100) return value;
    findings.warnings.push(`${name} is not within 1..100; ${replacement} is used`);
    return replacement;
  };
}

/** A value below `minimum` is fatal: only a file can bring one, the environment is raised first (CFG-21). */
export function refuseBelow(minimumMs: number) {
  return (value: number, name: string, findings: Findings): number => {
    if (value < minimumMs) findings.problems.push(`${name} must be at least ${minimumMs} ms`);
    return value;
  };
}

export function checkLogDrivers(
  value: readonly string[],
  name: string,
  findings: Findings,
): readonly string[] {
  const unknown = value.filter((driver) => !KNOWN_LOG_DRIVERS.has(driver));
  if (unknown.length > 0) findings.problems.push(`${name} has unknown log drivers: ${unknown.join(', ')}`);
  return value;
}

/** On without being asked when the environment names a data directory (CFG-37). */
export function checkpointText(
  value: string | undefined,
  name: string,
  findings: Findings,
  env: Sources['env'],
): boolean | undefined {
  const trimmed = value?.trim() ?? '';
  const parsed = parseBooleanText(trimmed);
  if (trimmed !== '' && parsed === undefined)
    findings.warnings.push(`${name} is neither true nor false and is left unset`);
  return parsed ?? ((env.ECS_DATADIR ?? '') !== '' ? true : undefined);
}

export function cgroupPeriodText(value: string | undefined, name: string, findings: Findings): number {
  const parsed = durationText(value, name, findings) ?? 100;
  if (parsed >= 8 && parsed <= 100) return parsed;
  findings.warnings.push(`${name} is not within 8ms..100ms; 100ms is used`);
  return 100;
}

export function pidsLimit(value: number, name: string, findings: Findings): number {
  if (value === 0 || (value >= 1 && value <= 4_194_304)) return value;
  findings.warnings.push(`${name} is not within 1..4194304 and is left unset`);
  return 0;
}

export function fileSizeText(
  value: string | undefined,
  name: string,
  findings: Findings,
): number | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  const parsed = Number(value);
  if (Number.isFinite(parsed) && parsed > 0) return parsed;
  findings.warnings.push(`${name} is not a number above 0; the default is used`);
  return undefined;
}

/** One of the two whole numbers of ECS_TASK_METADATA_RPS_LIMIT; malformed counts as 0 (CFG-32). */
export function rateLimit(jsonKey: string, position: 0 | 1): Variable<number> {
  return variable({
    env: 'ECS_TASK_METADATA_RPS_LIMIT',
    jsonKey,
    fallback: 0,
    fromEnvironment: (value) => {
      const parts = /^\s*(-?\d+)\s*,\s*(-?\d+)\s*$/.exec(value ?? '');
      return parts === null ? undefined : Number(parts[position + 1]) || undefined;
    },
    fromJson: (value) => {
      if (typeof value !== 'number' || !Number.isInteger(value)) throw new Error('must be a whole number');
      return value || undefined;
    },
  });
}
