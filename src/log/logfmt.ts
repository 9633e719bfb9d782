/** Members of pino's lines that have a place of their own. */
const LEADING: ReadonlySet<string> = new Set(['level', 'time', 'msg']);

/**
 * One log line as `level=info time=2026-01-01T00:00:00.000Z msg="text" key=value` (config.md §3.2) from the JSON
 * that pino wrote. A line that is no JSON passes as it is.
 */
export function toLogfmt(json: string): string {
  let record: Readonly<Record<string, unknown>>;
  try {
    record = JSON.parse(json);
  } catch {
    return json;
  }
  const parts = [
    `level=${formatValue(record.level)}`,
    `time=${formatValue(record.time)}`,
    `msg=${JSON.stringify(record.msg ?? '')}`,
  ];
  for (const [key, value] of Object.entries(record))
    if (!LEADING.has(key)) parts.push(...formatMember(key, value));
  return `${parts.join(' ')}\n`;
}

/** Members of an object get its key in front, so that an error shows as `err.message="…"`. */
function formatMember(key: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [`${key}=${formatValue(value)}`];
  return Object.entries(value).flatMap(([inner, item]) => formatMember(`${key}.${inner}`, item));
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=\\]+$/.test(text) ? text : JSON.stringify(text);
}
