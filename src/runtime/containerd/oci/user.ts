import { TaskError } from '../../../task/errors.ts';

/** A container user in numbers, as the OCI runtime wants it. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group and, unless a group was named, those of /etc/group that list the user. */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

interface PasswdLine {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupLine {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Ids above this are refused by the kernel's interfaces. */
const MAX_ID = 2 ** 31 - 1;

/**
 * Resolves `user`, `user:group`, names or numbers, by the texts of the image's /etc/passwd and /etc/group
 * (CTD-61). Empty means root. A number without a line in passwd is fine, with group 0; a name without one is
 * a CannotCreateContainerError. `additional` groups, names or numbers, come on top.
 */
export function resolveUser(
  wanted: string,
  passwd: string,
  group: string,
  additional: readonly string[] = [],
): ResolvedUser {
  const [givenUser = '', groupPart] = splitOnce(wanted);
  const userPart = givenUser === '' ? '0' : givenUser;
  const groups = parseGroup(group);
  const asNumber = idOf(userPart);
  const users = parsePasswd(passwd);
  // A name made of digits wins over the number, as in Docker.
  const line =
    users.find(({ name }) => name === userPart) ??
    users.find(({ uid }) => asNumber !== undefined && uid === asNumber);
  const uid = line?.uid ?? asNumber;
  if (uid === undefined)
    throw new TaskError(
      'CannotCreateContainerError',
      `unable to find user ${userPart}: no matching entries in passwd file of the image; use one of its users or a number`,
    );
  const gid = groupPart === undefined || groupPart === '' ? (line?.gid ?? 0) : findGroup(groupPart, groups);
  const listed =
    groupPart === undefined || groupPart === ''
      ? groups.filter(({ members }) => line !== undefined && members.includes(line.name)).map((g) => g.gid)
      : [];
  const added = additional.map((name) => findGroup(name, groups));
  return { uid, gid, additionalGids: [...new Set([gid, ...listed, ...added])], home: line?.home || '/' };
}

function findGroup(wanted: string, groups: readonly GroupLine[]): number {
  const gid = groups.find(({ name }) => name === wanted)?.gid ?? idOf(wanted);
  if (gid === undefined)
    throw new TaskError(
      'CannotCreateContainerError',
      `unable to find group ${wanted}: no matching entries in group file of the image; use one of its groups or a number`,
    );
  return gid;
}

function splitOnce(wanted: string): readonly string[] {
  const colon = wanted.indexOf(':');
  return colon < 0 ? [wanted] : [wanted.slice(0, colon), wanted.slice(colon + 1)];
}

function parsePasswd(text: string): readonly PasswdLine[] {
  return linesOf(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) => {
    const [u, g] = [idOf(uid), idOf(gid)];
    return u === undefined || g === undefined ? [] : [{ name, uid: u, gid: g, home }];
  });
}

function parseGroup(text: string): readonly GroupLine[] {
  return linesOf(text).flatMap(([name = '', , gid = '', members = '']) => {
    const g = idOf(gid);
    return g === undefined ? [] : [{ name, gid: g, members: members.split(',').map((m) => m.trim()) }];
  });
}

function linesOf(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function idOf(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}
