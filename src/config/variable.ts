import type { Findings } from './config-error.ts';

/** Where values come from, highest precedence first: the environment, then the JSON documents in order. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly documents: readonly JsonDocument[];
}

/** A JSON configuration file or the user data; keys in lower case, since they match in any case (config.md §2). */
export interface JsonDocument {
  /** For messages, e.g. the path of the file. */
  readonly name: string;
  readonly values: ReadonlyMap<string, unknown>;
}

/** One setting: its names and how its value is found. */
export interface Variable<T> {
  readonly env: string | undefined;
  readonly jsonKey: string | undefined;
  resolve(sources: Sources, findings: Findings): T;
}

/**
 * How one setting is read. The readers answer undefined for a "zero" value (unset, empty, 0, plain false, empty
 * list): then the next lower source is asked, in the end `fallback` (config.md §1).
 */
export interface VariableRules<T> {
  readonly env?: string;
  readonly jsonKey?: string;
  readonly fallback: T;
  /** `text` is undefined when the variable is not there. May warn or add a fatal problem. */
  readonly fromEnvironment?: (
    text: string | undefined,
    name: string,
    findings: Findings,
    env: Sources['env'],
  ) => T | undefined;
  /** Throws an `Error` saying what it must be; `null` never gets here. */
  readonly fromJson?: (value: unknown) => T | undefined;
  /** Validation of the merged value (config.md §2.4). */
  readonly check?: (value: T, name: string, findings: Findings) => T;
}

export function variable<T>(rules: VariableRules<T>): Variable<T> {
  const name = rules.env ?? rules.jsonKey ?? '';
  const check = (value: T, findings: Findings) => rules.check?.(value, name, findings) ?? value;
  return {
    env: rules.env,
    jsonKey: rules.jsonKey,
    resolve(sources, findings) {
      const text = rules.env === undefined ? undefined : sources.env[rules.env];
      const own = rules.fromEnvironment?.(text, name, findings, sources.env);
      if (own !== undefined) return check(own, findings);
      for (const document of sources.documents) {
        const value = fromDocument(rules, document, findings);
        if (value !== undefined) return check(value, findings);
      }
      return check(rules.fallback, findings);
    },
  };
}

function fromDocument<T>(rules: VariableRules<T>, document: JsonDocument, findings: Findings): T | undefined {
  if (rules.jsonKey === undefined || rules.fromJson === undefined) return undefined;
  const value = document.values.get(rules.jsonKey.toLowerCase());
  if (value === undefined || value === null) return undefined;
  try {
    return rules.fromJson(value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    findings.problems.push(`${rules.jsonKey} in ${document.name} ${why}`);
    return undefined;
  }
}
