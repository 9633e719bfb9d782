import { z } from '../schema.ts';
import type { AwsCredentials, CredentialsSource } from './credentials.ts';
import { sendHttp } from './http-request.ts';
import { type InstanceMetadata, noInstanceMetadata } from './imds.ts';
import { isLoopback } from './loopback.ts';
import { credentialsOf, parseProfiles } from './profile-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type ReadFile = (path: string) => Promise<string | undefined>;

/** Life given to keys of the rotating file, which is written anew at any time (ECS-57). */
const ROTATING_LIFE_MS = 60_000;
const ROTATING_FILES = ['/rotatingcreds/credentials', '/root/.aws/credentials'];
const CONTAINER_SERVICE = 'http://169.254.170.2';
/** Plain http is accepted towards these and loopback only, as the AWS SDKs do. */
const CONTAINER_HOSTS: ReadonlySet<string> = new Set(['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]']);
const TIMEOUTS = { dialMs: 2_000, tlsMs: 5_000, totalMs: 10_000 };
const ROLE_PATH = '/latest/meta-data/iam/security-credentials/';

const answerSchema = z.looseObject({
  Code: z.optional(z.string()),
  Message: z.optional(z.string()),
  AccessKeyId: z.optional(z.string().check(z.minLength(1))),
  SecretAccessKey: z.optional(z.string().check(z.minLength(1))),
  Token: z.optional(z.string()),
  Expiration: z.optional(z.string()),
});

/** AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. */
export function environmentCredentials(env: Environment): CredentialsSource {
  return {
    name: 'environment',
    async load() {
      const {
        AWS_ACCESS_KEY_ID: id = '',
        AWS_SECRET_ACCESS_KEY: key = '',
        AWS_SESSION_TOKEN: token = '',
      } = env;
      if (id === '' && key === '') return undefined;
      if (id === '' || key === '')
        throw new Error('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together');
      return { accessKeyId: id, secretAccessKey: key, ...(token !== '' && { sessionToken: token }) };
    },
  };
}

/**
 * Keys of a profile in the shared credentials file, else in the shared config file. Profiles that assume a role,
 * use SSO, web identity or a process are not supported and say so.
 */
export function sharedFileCredentials(env: Environment, readFile: ReadFile): CredentialsSource {
  return {
    name: 'shared credentials file',
    async load() {
      const directory = `${env.HOME ?? '/root'}/.aws`;
      const paths = [
        env.AWS_SHARED_CREDENTIALS_FILE || `${directory}/credentials`,
        env.AWS_CONFIG_FILE || `${directory}/config`,
      ];
      const name = env.AWS_PROFILE || 'default';
      let unsupported: string | undefined;
      for (const path of paths) {
        const profile = parseProfiles((await readFile(path)) ?? '').get(name);
        if (profile === undefined) continue;
        const credentials = credentialsOf(profile);
        if (credentials !== undefined) return credentials;
        unsupported ??= ['role_arn', 'sso_session', 'sso_start_url', 'credential_process'].find((key) =>
          profile.has(key),
        );
      }
      if (unsupported !== undefined)
        throw new Error(`profile ${name} uses ${unsupported}, which this agent does not support`);
      if (env.AWS_PROFILE) throw new Error(`profile ${name} has no keys`);
      return undefined;
    },
  };
}

/** The credentials service of a container, by AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI. */
export function containerCredentials(env: Environment, readFile: ReadFile): CredentialsSource {
  return {
    name: 'container credentials',
    async load(signal) {
      const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI ?? '';
      const full = env.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? '';
      if (relative === '' && full === '') return undefined;
      const url = relative === '' ? new URL(full) : new URL(relative, CONTAINER_SERVICE);
      if (url.protocol !== 'https:' && !CONTAINER_HOSTS.has(url.hostname) && !isLoopback(url.hostname))
        throw new Error(`${url.origin} is neither https nor a local credentials service`);
      const tokenFile = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE ?? '';
      const token =
        tokenFile === ''
          ? (env.AWS_CONTAINER_AUTHORIZATION_TOKEN ?? '')
          : ((await readFile(tokenFile)) ?? '').trim();
      const headers = token === '' ? {} : { authorization: token };
      const answer = await sendHttp({ url, method: 'GET', headers, timeouts: TIMEOUTS, signal });
      if (answer.status !== 200) throw new Error(`${url.origin} answered ${answer.status}`);
      return parseAnswer(answer.body);
    },
  };
}

/** The role of the EC2 instance. */
export function instanceRoleCredentials(imds: InstanceMetadata): CredentialsSource {
  return {
    name: 'EC2 instance role',
    async load(signal) {
      if (imds === noInstanceMetadata) return undefined;
      const roles = await imds.get(ROLE_PATH, { signal });
      const role = roles?.trim().split('\n')[0] ?? '';
      if (role === '') return undefined;
      const text = await imds.get(`${ROLE_PATH}${role}`, { signal });
      if (text === undefined) throw new Error(`the instance metadata has no credentials of role ${role}`);
      return parseAnswer(text);
    },
  };
}

/** The file that the SSM agent of an ECS Anywhere host rewrites; read again every minute. */
export function rotatingFileCredentials(
  profileName: string,
  readFile: ReadFile,
  now: () => number = Date.now,
): CredentialsSource {
  return {
    name: 'rotating credentials file',
    async load() {
      for (const path of ROTATING_FILES) {
        const text = await readFile(path);
        if (text === undefined) continue;
        const profile = parseProfiles(text).get(profileName);
        const credentials = profile === undefined ? undefined : credentialsOf(profile);
        if (credentials === undefined) throw new Error(`${path} has no keys of profile ${profileName}`);
        return { ...credentials, expiresAt: now() + ROTATING_LIFE_MS };
      }
      return undefined;
    },
  };
}

/**
 * The order in which the agent looks for its own credentials (ecs-api.md §A2). Web identity, SSO and assumed
 * roles are not supported.
 */
export function agentCredentialSources(options: {
  readonly external: boolean;
  readonly profile: string;
  readonly env: Environment;
  readonly readFile: ReadFile;
  readonly imds: InstanceMetadata;
  readonly now?: () => number;
}): readonly CredentialsSource[] {
  const { env, readFile } = options;
  const environment = environmentCredentials(env);
  const shared = sharedFileCredentials(env, readFile);
  const instanceRole = instanceRoleCredentials(options.imds);
  const rotating = rotatingFileCredentials(options.profile, readFile, options.now);
  return options.external
    ? [environment, rotating, shared, instanceRole]
    : [environment, shared, containerCredentials(env, readFile), instanceRole, rotating];
}

/** The JSON that the container and instance services answer with. */
function parseAnswer(text: string): AwsCredentials {
  const answer = answerSchema.parse(JSON.parse(text));
  if (answer.AccessKeyId === undefined || answer.SecretAccessKey === undefined)
    throw new Error(`no keys in the answer: ${answer.Code ?? ''} ${answer.Message ?? ''}`.trim());
  const expiresAt = Date.parse(answer.Expiration ?? '');
  return {
    accessKeyId: answer.AccessKeyId,
    secretAccessKey: answer.SecretAccessKey,
    ...(answer.Token !== undefined && answer.Token !== '' && { sessionToken: answer.Token }),
    ...(Number.isFinite(expiresAt) && { expiresAt }),
  };
}
