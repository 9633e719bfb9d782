/** An instant as Go writes it: RFC 3339 with trailing zeros of the fraction dropped. */
export function goTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.?0*Z$/, 'Z');
}
