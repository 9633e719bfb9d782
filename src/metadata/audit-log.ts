import type { RoleType } from '../credentials/credentials-store.ts';

/** What one line of the audit log tells (metadata-endpoints.md §2.5). */
export interface AuditEntry {
  readonly status: number;
  /** Remote `address:port`. */
  readonly source: string;
  /** Path of the URL without its query. */
  readonly path: string;
  readonly userAgent: string;
  /** Task whose credentials were given; absent on errors. */
  readonly taskArn?: string;
  readonly roleType?: RoleType;
}

/** Who the lines are of. */
export interface AuditIdentity {
  readonly cluster: string;
  readonly containerInstanceArn?: string;
}

const EVENTS: Readonly<Record<RoleType, string>> = {
  TaskApplication: 'GetCredentials',
  TaskExecution: 'GetCredentialsExecutionRole',
};
const AUDIT_VERSION = '2';
const CREDENTIALS_PATH = '/v2/credentials';

/** One line, without its end. The id of credentials is never in it (TMDS-95). */
export function auditLine(
  entry: AuditEntry,
  { cluster, containerInstanceArn }: AuditIdentity,
  at: Date,
): string {
  const path = entry.path.startsWith(`${CREDENTIALS_PATH}/`) ? CREDENTIALS_PATH : entry.path;
  const common = [
    at.toISOString().replace(/\.\d+Z$/, 'Z'),
    entry.status,
    entry.source,
    `"${printable(path)}"`,
    `"${printable(entry.userAgent)}"`,
    entry.taskArn ?? '-',
  ];
  const event =
    entry.taskArn === undefined || entry.roleType === undefined
      ? []
      : [EVENTS[entry.roleType], AUDIT_VERSION, cluster || '-', containerInstanceArn ?? '-'];
  return `${common.join(' ')} ${event.join(' ')}`;
}

/** A caller must not be able to write a line of its own. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be taken out
  return text.replace(/[\u0000-\u001f\u007f]/g, '?');
}
