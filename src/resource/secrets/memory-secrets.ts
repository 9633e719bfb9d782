import { CredentialsNotHereError } from '../../task/execution-role.ts';
import type { TaskArn } from '../../task/ids.ts';
import { needsFetching } from '../../task/secrets.ts';
import type { ContainerSpec, TaskSpec } from '../../task/task-spec.ts';
import { type FetchedValues, NOTHING_FETCHED, type TaskSecrets } from '../task-secrets.ts';
import { fetchFiles } from './fetch-files.ts';
import { fetchParameters } from './fetch-parameters.ts';
import { fetchSecrets } from './fetch-secrets.ts';
import { resourceFailure } from './resource-failure.ts';
import { type Fetching, type RoleKeys, type SecretServices, secretKey } from './secret-services.ts';

export interface MemorySecretsOptions {
  readonly services: SecretServices;
  /** Of the agent; buckets are looked for from there. */
  readonly region: string;
  /** Keys of a task's execution role, if they have come. */
  executionKeys(task: TaskArn): RoleKeys | undefined;
}

/** `TaskSecrets` in the memory of the agent. */
export class MemorySecrets implements TaskSecrets {
  readonly #options: MemorySecretsOptions;
  readonly #values = new Map<TaskArn, ReadonlyMap<string, FetchedValues>>();

  constructor(options: MemorySecretsOptions) {
    this.#options = options;
  }

  async fetch(task: TaskSpec, { signal }: { signal: AbortSignal }): Promise<void> {
    const needy = task.containers.filter(needsFetching);
    if (needy.length === 0) return;
    const fetching = { ...this.#access(task), signal };
    const references = needy.flatMap(({ secrets = [] }) => secrets);
    const [parameters, secrets, files] = await Promise.all([
      fetchParameters(
        references.filter(({ store }) => store === 'ssm'),
        fetching,
      ),
      fetchSecrets(
        references.filter(({ store }) => store === 'secretsmanager'),
        fetching,
      ),
      this.#fetchFiles(needy, fetching),
    ]);
    const values = new Map([...parameters, ...secrets]);
    this.#values.set(
      task.arn,
      new Map(needy.map((container) => [container.name, valuesFor(container, values, files)])),
    );
  }

  of(task: TaskArn, container: string): FetchedValues {
    const fetched = this.#values.get(task);
    if (fetched === undefined) throw new Error(`nothing has been fetched for task ${task}`);
    return fetched.get(container) ?? NOTHING_FETCHED;
  }

  forget(task: TaskArn): void {
    this.#values.delete(task);
  }

  #access({ arn, executionCredentialsId }: TaskSpec): Omit<Fetching, 'signal'> {
    if (executionCredentialsId === undefined)
      throw resourceFailure(
        'the credentials of the execution role are missing: secrets and environment files are fetched with them; give the task definition an executionRoleArn',
      );
    const credentials = this.#options.executionKeys(arn);
    if (credentials === undefined) throw new CredentialsNotHereError();
    return { services: this.#options.services, credentials };
  }

  async #fetchFiles(
    containers: readonly ContainerSpec[],
    fetching: Fetching,
  ): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
    const fetched = await Promise.all(
      containers.map(async ({ name, environmentFiles = [] }) => {
        const variables = await fetchFiles(environmentFiles, this.#options.region, fetching);
        return [name, variables] as const;
      }),
    );
    return new Map(fetched);
  }
}

function valuesFor(
  { name, secrets = [] }: ContainerSpec,
  values: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, Readonly<Record<string, string>>>,
): FetchedValues {
  const named = (use: 'environment' | 'logDriver') =>
    Object.fromEntries(
      secrets
        .filter((secret) => secret.use === use)
        .map((secret) => [secret.name, values.get(secretKey(secret)) ?? '']),
    );
  return { files: files.get(name) ?? {}, secrets: named('environment'), logOptions: named('logDriver') };
}
