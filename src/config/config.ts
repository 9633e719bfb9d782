import type { DerivedSettings } from './derive.ts';
import type { VariableValues } from './variables.ts';

/** Flags of the command line that change settings (config.md §3.10). */
export interface ConfigFlags {
  /** `-k`: server certificates are not checked; for tests. */
  readonly acceptInsecureCertificates: boolean;
  readonly logLevel?: VariableValues['logLevel'];
  readonly logLevelOnInstance?: VariableValues['logLevel'];
}

/** All settings, read once at the start and frozen. */
export type Config = Omit<VariableValues, keyof DerivedSettings | 'logRolloverType'> &
  DerivedSettings & { readonly acceptInsecureCertificates: boolean };
