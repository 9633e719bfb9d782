/** The configuration cannot be used; the process exits with status 1 (config.md §1). Names every problem at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** What loading the configuration found worth saying. Texts name the variable and never carry a secret. */
export class Findings {
  /** Fatal, all reported together. */
  readonly problems: string[] = [];
  /** A value was replaced or left out. */
  readonly warnings: string[] = [];
  /** A setting has no effect here. */
  readonly notices: string[] = [];
}
