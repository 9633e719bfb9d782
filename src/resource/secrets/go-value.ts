/**
 * A decoded JSON value as the Amazon ECS agent renders it into an environment variable: Go's default format
 * (resources.md §4.2), so that a program sees the same text under either agent.
 */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'number') return goFloat(value);
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).toSorted(([a], [b]) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    return `map[${members.map(([key, member]) => `${key}:${goValue(member)}`).join(' ')}]`;
  }
  return String(value);
}

/** Shortest digits that give the number back, with an exponent below 1e-4 and from 1e6 on. */
function goFloat(value: number): string {
  const [digits = '', power = ''] = value.toExponential().split('e');
  const exponent = Number(power);
  // JavaScript writes an exponent of its own only below 1e-6 and from 1e21 on.
  if (exponent >= -4 && exponent < GO_LARGEST_EXPONENT) return Object.is(value, -0) ? '-0' : String(value);
  const sign = exponent < 0 ? '-' : '+';
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** strconv, format 'g' with the shortest precision. */
const GO_LARGEST_EXPONENT = 6;
