/** What the options `labels`, `labels-regex`, `env` and `env-regex` choose from. */
export interface AttributeSources {
  readonly labels: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
}

/** The extra attributes of a container's log (logging.md §12); a variable overrides a label of its name. */
export function selectAttributes(
  options: Readonly<Record<string, string>>,
  { labels, environment }: AttributeSources,
): Record<string, string> {
  return {
    ...select(labels, options.labels, options['labels-regex']),
    ...select(environment, options.env, options['env-regex']),
  };
}

function select(
  from: Readonly<Record<string, string>>,
  names: string | undefined,
  pattern: string | undefined,
): Record<string, string> {
  const listed = new Set((names ?? '').split(','));
  const matches = pattern === undefined || pattern === '' ? undefined : compileRe2(pattern);
  return Object.fromEntries(
    Object.entries(from).filter(([name]) => listed.has(name) || matches?.test(name) === true),
  );
}

/**
 * Compiles an expression of RE2's syntax. Throws for what RE2 does not know, and for the few forms that cannot be
 * carried over, instead of matching something else.
 */
export function compileRe2(pattern: string): RegExp {
  const refuse = (why: string) => {
    throw new Error(`error parsing regexp: ${why}: \`${pattern}\``);
  };
  if (/\(\?(?:[=!]|<[=!])/.test(pattern)) refuse('invalid or unsupported Perl syntax');
  if (/\\(?:[1-9]|k<)/.test(pattern.replaceAll('\\\\', ''))) refuse('invalid escape sequence');
  if (/\[\[:|\\[QECXR]/.test(pattern.replaceAll('\\\\', ''))) refuse('form is not supported by this agent');
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  const body = pattern
    .slice(flags?.[0].length ?? 0)
    .replaceAll('(?P<', '(?<')
    .replaceAll('\\A', '^')
    .replaceAll('\\z', '$');
  try {
    return new RegExp(body, flags?.[1] ?? '');
  } catch (error) {
    throw new Error(`error parsing regexp: \`${pattern}\``, { cause: error });
  }
}
