import { TaskError } from '../../../task/errors.ts';

/** What a container's `dockerSecurityOptions` ask for, sorted by what they mean. */
export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** `unconfined`, `builtin` or the JSON text of a profile; absent: the default filter. */
  readonly seccomp?: string;
  /** Name of a loaded profile, or `unconfined`; absent: the default one. */
  readonly appArmor?: string;
  /** Parts of an SELinux label, `type:svirt_apache_t`, or `disable`. */
  readonly labels: readonly string[];
}

const NO_NEW_PRIVILEGES = 'no-new-privileges';
const SWITCH: Readonly<Record<string, boolean>> = { true: true, false: false, '': true };

/**
 * Reads options as Docker writes them: a name, and behind the first `=` (or, of old, `:`) its value. Throws
 * CannotCreateContainerError for one that means nothing.
 */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  let read: SecurityOptions = { noNewPrivileges: false, labels: [] };
  for (const option of options) read = { ...read, ...parseOne(option, read.labels) };
  return read;
}

function parseOne(option: string, labels: readonly string[]): Partial<SecurityOptions> {
  const [, name = '', value = ''] = /^([^=:]*)(?:[=:](.*))?$/s.exec(option) ?? [];
  switch (name) {
    case NO_NEW_PRIVILEGES: {
      const on = SWITCH[value];
      if (on === undefined) throw meaningless(option);
      return { noNewPrivileges: on };
    }
    case 'seccomp':
    case 'apparmor':
      if (value === '') throw meaningless(option);
      return name === 'seccomp' ? { seccomp: value } : { appArmor: value };
    case 'label':
      if (!/^(disable|(user|role|type|level):.+)$/.test(value)) throw meaningless(option);
      return { labels: [...labels, value] };
    default:
      throw meaningless(option);
  }
}

function meaningless(option: string): TaskError {
  return new TaskError(
    'CannotCreateContainerError',
    `dockerSecurityOptions: "${option}" means nothing here; there are no-new-privileges, apparmor:PROFILE, ` +
      'seccomp=unconfined, label:disable and label:user|role|type|level:VALUE',
  );
}
