import { withDeadline } from '../../async/deadline.ts';
import { z } from '../../schema.ts';
import { TaskError, type TaskErrorCode } from '../../task/errors.ts';
import { CredentialsNotHereError } from '../../task/execution-role.ts';
import type { ContainerSpec, RegistryAuth, TaskSpec } from '../../task/task-spec.ts';
import type { RegistryCredentials } from '../images.ts';
import { type EcrAuthorization, EcrTokens } from './ecr-tokens.ts';

/** Keys that requests are signed with. */
export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

interface Target {
  readonly region: string;
  readonly credentials: SigningKeys;
  readonly endpoint?: string;
}

/** The services that registry logins come from; errors have the service's code as their name. */
export interface LoginServices {
  getEcrAuthorization(
    target: Target,
    registryId: string,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly EcrAuthorization[]>;
  getSecretText(
    target: Target,
    id: { readonly secretId: string },
    options: { readonly signal: AbortSignal },
  ): Promise<string | undefined>;
}

export interface RegistryLoginsOptions {
  readonly services: LoginServices;
  /** Of the agent; for payloads that name no region. */
  readonly region: string;
  /** Keys of the task's execution role with their id, if they have come. */
  executionKeys(task: TaskSpec['arn']): (SigningKeys & { readonly roleArn: string }) | undefined;
  /** Keys of the agent itself. */
  agentKeys(options: { readonly signal: AbortSignal }): Promise<SigningKeys>;
  /** What the instance's configuration says for an image (config.md §3.9). */
  configured(image: string): RegistryCredentials | undefined;
  readonly tokens?: EcrTokens;
}

type EcrAuth = Extract<RegistryAuth, { kind: 'ecr' }>;
type SecretAuth = Extract<RegistryAuth, { kind: 'secretsmanager' }>;

const LIMIT_MS = 60_000;
const secretSchema = z.object({ username: z.string(), password: z.string() });

/**
 * Who the agent is at the registry of a container's image (task-engine.md §8.5, resources.md §4.4). Failures are
 * `TaskError`s that are not worth a retry; `CredentialsNotHereError` while the execution role's keys are on their way.
 */
export class RegistryLogins {
  readonly #options: RegistryLoginsOptions;
  readonly #tokens: EcrTokens;

  constructor(options: RegistryLoginsOptions) {
    this.#options = options;
    this.#tokens = options.tokens ?? new EcrTokens();
  }

  /** Undefined: without a login. */
  async of(
    task: TaskSpec,
    { image, registryAuth }: Pick<ContainerSpec, 'image' | 'registryAuth'>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<RegistryCredentials | undefined> {
    switch (registryAuth?.kind) {
      case undefined:
        return this.#options.configured(image);
      case 'ecr':
        return await this.#ecr(task, image, registryAuth, signal);
      case 'secretsmanager':
        return await this.#secret(task, image, registryAuth, signal);
    }
  }

  async #ecr(
    task: TaskSpec,
    image: string,
    auth: EcrAuth,
    parent: AbortSignal,
  ): Promise<RegistryCredentials> {
    const { services } = this.#options;
    const region = auth.region || this.#options.region;
    const what = `asking ECR in ${region} for a login of registry ${auth.registryId} to pull ${image}`;
    return await failingAs('CannotPullECRContainerError', what, parent, async (signal) => {
      const { who, credentials } = auth.useExecutionRole
        ? this.#executionRole(task, 'CannotPullECRContainerError')
        : { who: '', credentials: await this.#options.agentKeys({ signal }) };
      const { endpointOverride: endpoint } = auth;
      const target = { region, credentials, ...(endpoint !== undefined && { endpoint }) };
      const key = JSON.stringify([who, region, auth.registryId, endpoint]);
      return await this.#tokens.get(key, () =>
        services.getEcrAuthorization(target, auth.registryId, { signal }),
      );
    });
  }

  async #secret(
    task: TaskSpec,
    image: string,
    auth: SecretAuth,
    parent: AbortSignal,
  ): Promise<RegistryCredentials> {
    const region = auth.region || this.#options.region;
    const secretId = auth.credentialsParameter;
    const what = `fetching the login for ${image} from the secret ${secretId} of Secrets Manager in ${region}`;
    return await failingAs('CannotPullContainerAuthError', what, parent, async (signal) => {
      const { credentials } = this.#executionRole(task, 'CannotPullContainerAuthError');
      const text = await this.#options.services.getSecretText(
        { region, credentials },
        { secretId },
        { signal },
      );
      return loginOf(text);
    });
  }

  #executionRole(task: TaskSpec, code: TaskErrorCode): { who: string; credentials: SigningKeys } {
    if (task.executionCredentialsId === undefined)
      throw new TaskError(
        code,
        'the credentials of the execution role are missing, and the login for the registry is fetched with them; give the task definition an executionRoleArn',
      );
    const keys = this.#options.executionKeys(task.arn);
    if (keys === undefined) throw new CredentialsNotHereError();
    return { who: `${task.executionCredentialsId} ${keys.roleArn}`, credentials: keys };
  }
}

/** A login out of a secret's text, which no message may show (RES-32). */
function loginOf(text: string | undefined): RegistryCredentials {
  const shape = 'it must be a JSON object with username and password';
  if (text === undefined) throw new Error(`the secret holds bytes and no text; ${shape}`);
  if (text.trim() === '') throw new Error(`the secret is empty; ${shape}`);
  const parsed = secretSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw new Error(`the secret has another form; ${shape}`);
  const { username, password } = parsed.data;
  if (username === '') throw new Error('the username in the secret is empty');
  if (password === '') throw new Error('the password in the secret is empty');
  return { username, password };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Names a failure for ECS; what is told already, and a wait for credentials, pass as they are. */
async function failingAs<T>(
  code: TaskErrorCode,
  what: string,
  parent: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await withDeadline(what, LIMIT_MS, parent, work);
  } catch (error) {
    parent.throwIfAborted();
    if (error instanceof TaskError || error instanceof CredentialsNotHereError) throw error;
    throw new TaskError(code, `${what}: ${textOf(error)}`, { cause: error });
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
}
