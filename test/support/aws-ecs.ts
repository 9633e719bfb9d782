import { ECS } from '@aws-sdk/client-ecs';
import { type RunResult, tryRun } from './run.ts';
import { until } from './until.ts';

const AWS_CLI = '/usr/bin/aws';

/** What `aws ecs describe-tasks` says of a task, as far as tests look. */
export interface DescribedTask {
  readonly taskArn: string;
  readonly lastStatus: string;
  readonly desiredStatus: string;
  readonly stoppedReason?: string;
  readonly stopCode?: string;
  readonly containers: readonly {
    readonly name: string;
    readonly lastStatus: string;
    readonly exitCode?: number;
    readonly reason?: string;
    readonly runtimeId?: string;
    readonly imageDigest?: string;
    readonly networkBindings?: readonly {
      readonly bindIP: string;
      readonly protocol: string;
      readonly containerPort?: number;
      readonly hostPort?: number;
      readonly containerPortRange?: string;
      readonly hostPortRange?: string;
    }[];
  }[];
}

/** The calls that tests make most, by the names that the AWS SDK gives them. */
type Operation = 'registerTaskDefinition' | 'runTask' | 'describeTasks' | 'stopTask';

/**
 * An ECS endpoint as its users see it: by the real AWS CLI (`aws`), and by the AWS SDK for what is called often, as
 * each start of the CLI takes half a second of a processor.
 */
export class AwsEcs {
  readonly url: string;
  /** Reference of a busybox image that the agent can pull. */
  readonly image: string;
  readonly #through: readonly string[];
  readonly #sdk: ECS | undefined;

  /** `through` is a command that runs the CLI where the endpoint can be reached. */
  constructor(url: string, image: string, through: readonly string[] = []) {
    this.url = url;
    this.image = image;
    this.#through = through;
    // The SDK calls from this process, which reaches only what the machine itself does.
    if (through.length === 0)
      this.#sdk = new ECS({
        endpoint: url,
        region: 'us-west-2',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        maxAttempts: 1,
      });
  }

  /** Runs the real `aws ecs …`; gives its JSON. */
  async aws<T = unknown>(...args: readonly string[]): Promise<T> {
    const result = await this.tryAws(...args);
    if (result.exitCode !== 0) throw new Error(`aws ecs ${args.join(' ')}: ${result.stderr}`);
    return (result.stdout.trim() === '' ? undefined : JSON.parse(result.stdout)) as T;
  }

  async tryAws(...args: readonly string[]): Promise<RunResult> {
    const [command = AWS_CLI, ...before] = [...this.#through, AWS_CLI];
    return await tryRun(
      command,
      [
        ...before,
        'ecs',
        ...args,
        '--endpoint-url',
        this.url,
        '--region',
        'us-west-2',
        '--output',
        'json',
        '--no-cli-pager',
      ],
      {
        env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true' },
        timeoutMs: 120_000,
      },
    );
  }

  /** Registers a one-container definition on the host network; more members of the container by `container`. */
  async register(
    family: string,
    command: string,
    container: Readonly<Record<string, unknown>> = {},
    task: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const definition = {
      family,
      networkMode: 'host',
      containerDefinitions: [
        {
          name: 'main',
          image: this.image,
          essential: true,
          memory: 64,
          command: ['sh', '-c', command],
          ...container,
        },
      ],
      ...task,
    };
    await this.define(definition);
  }

  /** Registers a whole task definition. */
  async define(definition: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#call('registerTaskDefinition', definition);
  }

  async run(family: string, count = 1, more: object = {}): Promise<readonly string[]> {
    const answer = await this.#call<{
      readonly tasks: readonly { readonly taskArn: string }[];
      readonly failures: readonly { readonly reason: string }[];
    }>('runTask', { taskDefinition: family, count, ...more });
    if (answer.failures.length > 0) throw new Error(`not placed: ${answer.failures[0]?.reason}`);
    return answer.tasks.map((task) => task.taskArn);
  }

  /** Asks ECS to stop the tasks; does not wait for it. */
  async stop(...arns: readonly string[]): Promise<void> {
    await Promise.all(arns.map((task) => this.#call('stopTask', { task })));
  }

  async describe(...arns: readonly string[]): Promise<readonly DescribedTask[]> {
    const { tasks } = await this.#call<{ readonly tasks: readonly DescribedTask[] }>('describeTasks', {
      tasks: arns,
    });
    return tasks;
  }

  /** Waits until every task has that status; gives them. */
  async reach(
    status: string,
    arns: readonly string[],
    timeoutMs = 30_000,
  ): Promise<readonly DescribedTask[]> {
    return await until(
      async () => {
        const tasks = await this.describe(...arns);
        return tasks.length === arns.length && tasks.every((task) => task.lastStatus === status) && tasks;
      },
      { what: `${arns.length} tasks are ${status}`, timeoutMs, intervalMs: 100 },
    );
  }

  async #call<T>(operation: Operation, input: object): Promise<T> {
    if (this.#sdk !== undefined) {
      const send = this.#sdk[operation] as (input: object) => Promise<unknown>;
      return (await send.call(this.#sdk, input)) as T;
    }
    const command = operation.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return await this.aws(command, '--cli-input-json', JSON.stringify(input));
  }
}
