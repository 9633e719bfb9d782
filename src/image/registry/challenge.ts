/** One way to authenticate that a server offers in WWW-Authenticate (RFC 9110 §11.6.1). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Keys in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;
const SEPARATORS = /[\s,]*/y;

/** Reads a WWW-Authenticate header, which may carry several challenges; what cannot be read ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let position = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const found = pattern.exec(header);
    if (found !== null) position = pattern.lastIndex;
    return found;
  };
  for (;;) {
    match(SEPARATORS);
    const parameter = match(PARAMETER);
    const current = challenges.at(-1);
    if (parameter !== null) {
      const [, key = '', quoted, bare] = parameter;
      if (current === undefined) return challenges;
      current.parameters[key.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
      continue;
    }
    const scheme = match(TOKEN);
    if (scheme === null) return challenges;
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters: {} });
  }
}
