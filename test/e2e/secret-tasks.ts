import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordingControlPlane } from '../support/recording-control-plane.ts';
import { until } from '../support/until.ts';

/** Keys of the agent, and those of the execution role of tasks. */
export const INSTANCE = { accessKeyId: 'test', secretAccessKey: 'test' };
export const ROLE = { accessKeyId: 'AKIDROLE', secretAccessKey: 'role-secret', sessionToken: 'role-token' };
export const SECRET_ARN = 'arn:aws:secretsmanager:us-west-2:123456789012:secret';

/** What ECS sends of an execution role. */
export const roleCredentials = (credentialsId: string) => ({
  credentialsId,
  roleArn: 'arn:aws:iam::123456789012:role/execution',
  ...ROLE,
  expiration: new Date(Date.now() + 3_600_000).toISOString(),
});

export interface Wishes {
  readonly container: Readonly<Record<string, unknown>>;
  readonly withoutRole?: boolean;
}

interface ContainerReport {
  readonly containerName?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly runtimeId?: string;
}

export interface Report {
  readonly task?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly containers?: readonly ContainerReport[];
}

/** Tasks of one container with secrets, sent as ECS sends them, and what the agent reports of them. */
export class SecretTasks {
  readonly #ecs: RecordingControlPlane;
  readonly #image: string;
  #count = 0;

  constructor(ecs: RecordingControlPlane, image: string) {
    this.#ecs = ecs;
    this.#image = image;
  }

  /** The last part of the next task's ARN. */
  get nextId(): string {
    return String(this.#count + 1).padStart(32, '0');
  }

  /** Sends a task of one container; gives its ARN. */
  run({ container, withoutRole = false }: Wishes): string {
    const arn = `arn:aws:ecs:us-west-2:123456789012:task/peer/${this.nextId}`;
    this.#count += 1;
    const count = this.#count;
    this.#send(arn, 'RUNNING', {
      ...(!withoutRole && { executionRoleCredentials: roleCredentials(`c-${count}`) }),
      containers: [
        {
          name: 'app',
          image: this.#image,
          essential: true,
          cpu: 0,
          memory: 64,
          command: ['env'],
          ...container,
        },
      ],
    });
    return arn;
  }

  /** Tells the agent to stop it. */
  stop(arn: string): void {
    this.#count += 1;
    this.#send(arn, 'STOPPED', { containers: [] });
  }

  async stopped(arn: string): Promise<Report> {
    return await this.#reported(arn, 'STOPPED');
  }

  async running(arn: string): Promise<Report> {
    return await this.#reported(arn, 'RUNNING');
  }

  async #reported(arn: string, wanted: string): Promise<Report> {
    const reports = (): readonly Report[] => this.#ecs.reports;
    return await until(() => reports().find(({ task, status }) => task === arn && status === wanted), {
      what: `${arn} is ${wanted}`,
      timeoutMs: 60_000,
    });
  }

  #send(arn: string, desiredStatus: string, members: object): void {
    this.#ecs.send('acs', 'PayloadMessage', {
      clusterArn: 'arn:aws:ecs:us-west-2:123456789012:cluster/peer',
      containerInstanceArn: this.#ecs.containerInstanceArn,
      messageId: `m-${this.#count}`,
      generatedAt: 0,
      seqNum: this.#count,
      tasks: [{ arn, family: 'fam', version: '1', desiredStatus, networkMode: 'host', ...members }],
    });
  }
}

/** A secret as it stands in a payload, out of SSM Parameter Store. */
export const fromSsm = (name: string, valueFrom: string) => ({
  name,
  valueFrom,
  region: 'us-west-2',
  provider: 'ssm',
  type: 'ENVIRONMENT_VARIABLE',
  target: 'CONTAINER',
});
/** The same out of Secrets Manager. */
export const fromManager = (name: string, valueFrom: string) => ({
  ...fromSsm(name, valueFrom),
  provider: 'asm',
});

/** Every plain file below a folder. */
export function filesUnder(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}
