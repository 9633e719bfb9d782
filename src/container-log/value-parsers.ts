/** Parsers of option values (logging.md §13); their errors are what a user of Docker knows. */

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** One of Go's twelve forms. */
export function parseGoBool(value: string): boolean {
  if (TRUE.has(value)) return true;
  if (FALSE.has(value)) return false;
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}

/** A decimal integer. */
export function parseGoInt(value: string): number {
  if (!/^[+-]?\d+$/.test(value))
    throw new Error(`strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
  const parsed = Number(value);
  if (!Number.isSafeInteger(parsed))
    throw new Error(`strconv.Atoi: parsing ${JSON.stringify(value)}: value out of range`);
  return parsed;
}

/** Bytes, units of 1000: `10m` is 10 000 000. */
export function parseHumanSize(value: string): number {
  return parseSize(value, 1000);
}

/** Bytes, units of 1024: `10m` is 10 485 760. */
export function parseRamSize(value: string): number {
  return parseSize(value, 1024);
}

function parseSize(value: string, base: number): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(value);
  if (match?.[1] === undefined) throw new Error(`invalid size: '${value}'`);
  const power = match[2] === undefined ? 0 : 'kmgtp'.indexOf(match[2].toLowerCase()) + 1;
  return Math.trunc(Number(match[1]) * base ** power);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's form of a duration, `300ms` or `2h45m`, in ms; without a unit only `0`. */
export function parseGoDuration(value: string): number {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(value);
  if (match?.[2] === undefined) throw new Error(`time: invalid duration ${JSON.stringify(value)}`);
  let ms = 0;
  for (const [, amount, unit = ''] of match[2].matchAll(/([\d.]+)([a-zµμ]+)/g))
    ms += Number(amount) * (UNIT_MS[unit] ?? 0);
  return match[1] === '-' ? -ms : ms;
}
