/**
 * The first JSON value of a text; what follows it is not looked at (config.md §1.1). Throws `SyntaxError` when
 * there is none.
 */
export function parseFirstJson(text: string): unknown {
  const trimmed = text.trim();
  try {
    return JSON.parse(trimmed);
  } catch (error) {
    const end = endOfBracketed(trimmed);
    if (end === undefined) throw error;
    return JSON.parse(trimmed.slice(0, end));
  }
}

/** Where the list or object that begins the text ends, if one does. */
function endOfBracketed(text: string): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    if (depth === 0) return char === ']' || char === '}' ? at + 1 : undefined;
  }
  return undefined;
}
