import { createHash } from 'node:crypto';
import { TaskError } from '../../../task/errors.ts';

/** Labels that the host's SELinux policy has for containers, `user:role:type:level`. */
export interface SelinuxContexts {
  readonly process: string;
  readonly file: string;
}

/** Labels of one container: of its processes and of what is mounted into it. */
export interface SelinuxLabels {
  readonly process: string;
  readonly mount: string;
}

/** Categories that a level can have, c0 to c1023. */
const CATEGORIES = 1024;

/**
 * The policy's labels with the parts that `options` name (`type:svirt_apache_t`) in their place. Without a level
 * of its own a container gets two categories, so that others cannot reach its files; they derive from its id.
 * Undefined for none; throws CannotCreateContainerError when some are asked for and the host has no SELinux.
 */
export function planSelinuxLabels(
  options: readonly string[],
  contexts: SelinuxContexts | undefined,
  containerId: string,
): SelinuxLabels | undefined {
  if (options.length === 0 || options.includes('disable')) return undefined;
  if (contexts === undefined)
    throw new TaskError(
      'CannotCreateContainerError',
      `dockerSecurityOptions: "label:${options[0] ?? ''}" cannot be had: SELinux is not on on this host`,
    );
  const asked = new Map(
    options.map((option) => {
      const colon = option.indexOf(':');
      return [option.slice(0, colon), option.slice(colon + 1)];
    }),
  );
  const [user = '', role = '', type = '', ...level] = contexts.process.split(':');
  const [fileUser = '', fileRole = '', fileType = ''] = contexts.file.split(':');
  const wanted = asked.get('level') ?? `${level[0] ?? 's0'}:${categoriesOf(containerId)}`;
  return {
    process: [asked.get('user') ?? user, asked.get('role') ?? role, asked.get('type') ?? type, wanted].join(
      ':',
    ),
    mount: [asked.get('user') ?? fileUser, fileRole, fileType, wanted].join(':'),
  };
}

function categoriesOf(id: string): string {
  const hash = createHash('sha256').update(id).digest();
  const first = hash.readUInt16BE(0) % CATEGORIES;
  const distance = 1 + (hash.readUInt16BE(2) % (CATEGORIES - 1));
  const second = (first + distance) % CATEGORIES;
  return `c${Math.min(first, second)},c${Math.max(first, second)}`;
}
