import type { AwsCredentials } from './credentials.ts';

export type Profile = ReadonlyMap<string, string>;

/**
 * Profiles of an AWS credentials or config file by name: `[name]` in the one, `[profile name]` in the other.
 * Nested settings and lines that are no setting are passed over.
 */
export function parseProfiles(text: string): ReadonlyMap<string, Profile> {
  const profiles = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const raw of text.split('\n')) {
    const header = /^\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(raw.trim())?.[1];
    if (header !== undefined) {
      current = profiles.get(header) ?? new Map();
      profiles.set(header, current);
      continue;
    }
    const setting = /^([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(raw);
    if (setting?.[1] !== undefined) current?.set(setting[1].toLowerCase(), setting[2] ?? '');
  }
  return profiles;
}

/** The keys of a profile; undefined when it has none. Throws when it has only half of them. */
export function credentialsOf(profile: Profile): AwsCredentials | undefined {
  const accessKeyId = profile.get('aws_access_key_id') ?? '';
  const secretAccessKey = profile.get('aws_secret_access_key') ?? '';
  const sessionToken = profile.get('aws_session_token') ?? '';
  if (accessKeyId === '' && secretAccessKey === '') return undefined;
  if (accessKeyId === '' || secretAccessKey === '')
    throw new Error('a profile must have both aws_access_key_id and aws_secret_access_key');
  return { accessKeyId, secretAccessKey, ...(sessionToken !== '' && { sessionToken }) };
}
