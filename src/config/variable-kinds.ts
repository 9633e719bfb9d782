import { isIP } from 'node:net';
import type { Findings } from './config-error.ts';
import { parseDuration } from './duration.ts';
import { parseFirstJson } from './first-json.ts';
import { Secret } from './secret.ts';
import { type Variable, type VariableRules, variable } from './variable.ts';

/** The scalar rules of config.md §1.1, one function a kind of variable. */

interface Names {
  readonly env?: string;
  readonly jsonKey?: string;
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** `true`, `false`, or undefined for any other text. */
export function parseBooleanText(text: string): boolean | undefined {
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : undefined;
}

export function text(options: Names & { trim?: boolean; fallback?: string }): Variable<string> {
  const clean = (value: string) => (options.trim === true ? value.trim() : value) || undefined;
  return variable({
    ...options,
    fallback: options.fallback ?? '',
    fromEnvironment: (value) => (value === undefined ? undefined : clean(value)),
    fromJson: (value) => clean(jsonText(value)),
  });
}

/** Enabled, disabled or not set; an explicit false beats lower sources (config.md §1). */
export function triState<T extends boolean | undefined>(
  options: Names & { whenUnset: T },
): Variable<T extends undefined ? boolean | undefined : boolean>;
export function triState(options: Names & { whenUnset: boolean | undefined }): Variable<boolean | undefined> {
  return variable<boolean | undefined>({
    ...options,
    fallback: options.whenUnset,
    fromEnvironment: (value, name, findings) => {
      const trimmed = value?.trim() ?? '';
      if (trimmed === '') return undefined;
      const parsed = parseBooleanText(trimmed);
      if (parsed === undefined) findings.warnings.push(`${name} is neither true nor false and is left unset`);
      return parsed;
    },
    fromJson: (value) => {
      if (value === true || value === 1) return true;
      if (value === false || value === 0) return false;
      throw new Error('must be true, false or null');
    },
  });
}

/** True or nothing: a false in the environment does not beat a true in a file (CFG-03). */
export function plainBoolean(options: Names & { unsetMeans?: boolean }): Variable<boolean> {
  return variable({
    ...options,
    fallback: false,
    fromEnvironment: (value) =>
      (parseBooleanText(value?.trim() ?? '') ?? options.unsetMeans ?? false) || undefined,
    fromJson: (value) => {
      if (typeof value === 'boolean') return value || undefined;
      throw new Error('must be true or false');
    },
  });
}

/** Milliseconds. Go durations in the environment, integer nanoseconds in JSON (CFG-08). */
export function duration(
  options: Names & {
    fallback: number;
    /** A smaller value of the environment, 0 excepted, becomes this one. */
    envMinimum?: number;
    check?: NonNullable<VariableRules<number>['check']>;
  },
): Variable<number> {
  const { envMinimum } = options;
  return variable({
    ...options,
    fromEnvironment: (value, name, findings) => {
      const parsed = durationText(value, name, findings);
      if (parsed === undefined || envMinimum === undefined || parsed >= envMinimum) return parsed;
      findings.warnings.push(`${name} is below its minimum of ${envMinimum} ms, which is used instead`);
      return envMinimum;
    },
    fromJson: (value) => {
      if (typeof value !== 'number' || !Number.isInteger(value))
        throw new Error('must be an integer number of nanoseconds');
      return value / 1e6 || undefined;
    },
  });
}

/** Milliseconds of the text; undefined when it is empty, 0 or no duration (with a warning). */
export function durationText(
  value: string | undefined,
  name: string,
  findings: Findings,
): number | undefined {
  if (value === undefined || value === '') return undefined;
  const parsed = parseDuration(value);
  if (parsed === undefined) findings.warnings.push(`${name} is not a duration such as 90s or 1h30m`);
  return parsed || undefined;
}

export function integer(
  options: Names & {
    fallback: number;
    min?: number;
    max?: number;
    check?: NonNullable<VariableRules<number>['check']>;
  },
): Variable<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  const fits = (value: number) => Number.isSafeInteger(value) && value >= min && value <= max;
  return variable({
    ...options,
    fromEnvironment: (value, name, findings) => {
      const trimmed = value?.trim() ?? '';
      if (trimmed === '') return undefined;
      if (/^[+-]?\d+$/.test(trimmed) && fits(Number(trimmed))) return Number(trimmed) || undefined;
      findings.warnings.push(`${name} is not a whole number that fits and is left unset`);
      return undefined;
    },
    fromJson: (value) => {
      if (typeof value !== 'number' || !fits(value)) throw new Error('must be a whole number that fits');
      return value || undefined;
    },
  });
}

/** A list written as JSON; what cannot be read only warns and counts as unset (CFG-19). */
export function jsonList<T>(
  options: Names & { fallback: readonly T[]; item: (value: unknown) => T; check?: ListCheck<T> },
): Variable<readonly T[]> {
  const read = (value: unknown) => {
    if (!Array.isArray(value)) throw new Error('must be a list');
    return value.length === 0 ? undefined : value.map(options.item);
  };
  return variable<readonly T[]>({
    ...options,
    fromEnvironment: (value, name, findings) => {
      if (value === undefined || value.trim() === '') return undefined;
      try {
        const parsed = parseFirstJson(value);
        return parsed === null ? undefined : read(parsed);
      } catch (error) {
        findings.warnings.push(`${name} ${reason(error)} and is left unset`);
        return undefined;
      }
    },
    fromJson: read,
  });
}

type ListCheck<T> = (value: readonly T[], name: string, findings: Findings) => readonly T[];

/** A list or map written as JSON; what cannot be read is fatal unless `lenient` (CFG-16..18). */
export function strictJson<T>(
  options: Names & { fallback: T; read: (value: unknown) => T | undefined; lenient?: boolean },
): Variable<T> {
  return variable({
    ...options,
    fromEnvironment: (value, name, findings) => {
      if (value === undefined || value.trim() === '') return undefined;
      try {
        const parsed: unknown = JSON.parse(value);
        return parsed === null ? undefined : options.read(parsed);
      } catch (error) {
        const list = options.lenient === true ? findings.warnings : findings.problems;
        list.push(`${name} ${error instanceof SyntaxError ? 'is not valid JSON' : reason(error)}`);
        return undefined;
      }
    },
    fromJson: options.read,
  });
}

/** Reads a JSON object of texts; a null member counts as empty. */
export function textMap(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('must be a JSON object with text values');
  const entries = Object.entries(value).map(([key, item]: [string, unknown]) => {
    if (typeof item === 'string') return [key, item] as const;
    if (item === null) return [key, ''] as const;
    throw new Error(`must have text values, but that of "${key}" is none`);
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** One of a few words; another one is the fallback, or fatal with `strict`. */
export function choice<const T extends string>(
  options: Names & {
    values: readonly T[];
    fallback: T;
    /** Numbers that stand for the words in JSON, as positions in `values`; else the words themselves. */
    jsonNumbers?: boolean;
    ignoreCase?: boolean;
    strict?: boolean;
  },
): Variable<T> {
  return variable<T>({
    ...options,
    fromEnvironment: (value, name, findings) => {
      const given = options.ignoreCase === true ? value?.trim().toLowerCase() : value?.trim();
      if (given === undefined || given === '') return undefined;
      const found = options.values.find((word) => word === given);
      if (found !== undefined) return found;
      const message = `${name} must be one of ${options.values.filter((word) => word !== '').join(', ')}`;
      if (options.strict === true) findings.problems.push(message);
      else findings.warnings.push(`${message}; ${options.fallback || 'the default'} is used`);
      return undefined;
    },
    fromJson: (value) => {
      const found =
        options.jsonNumbers === true && typeof value === 'number'
          ? options.values[value]
          : options.values.find((word) => word === value);
      if (found === undefined) throw new Error(`must be one of ${options.values.join(', ')}`);
      return found === options.fallback ? undefined : found;
    },
  });
}

/** Comma-separated, items as they stand (CFG-70). */
export function commaList(options: Names): Variable<readonly string[]> {
  return variable<readonly string[]>({
    ...options,
    fallback: [],
    fromEnvironment: (value) => (value === undefined || value === '' ? undefined : value.split(',')),
    fromJson: (value) => {
      if (!Array.isArray(value)) throw new Error('must be a list');
      return value.length === 0 ? undefined : value.map(jsonText);
    },
  });
}

/** Text or JSON that is never shown. */
export function secret(options: Names): Variable<Secret | undefined> {
  return variable<Secret | undefined>({
    ...options,
    fallback: undefined,
    fromEnvironment: (value) => (value === undefined || value === '' ? undefined : new Secret(value)),
    fromJson: (value) => new Secret(JSON.stringify(value)),
  });
}

export function jsonText(value: unknown): string {
  if (typeof value !== 'string') throw new Error('must be a text');
  return value;
}

export function portNumber(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 65_535)
    throw new Error('must be a list of port numbers');
  return value;
}

/** An IP prefix such as `10.0.0.0/8`. */
export function cidr(value: unknown): string {
  const [address = '', length, ...rest] = jsonText(value).split('/');
  const version = isIP(address);
  const bits = version === 6 ? 128 : 32;
  if (version === 0 || length === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length))
    throw new Error(`must hold address prefixes such as 10.0.0.0/8`);
  if (Number(length) > bits) throw new Error(`holds a prefix longer than ${bits} bits`);
  return jsonText(value);
}

function reason(error: unknown): string {
  if (error instanceof SyntaxError) return 'is not valid JSON';
  return error instanceof Error ? error.message : String(error);
}
