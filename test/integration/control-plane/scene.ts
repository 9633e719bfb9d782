import {
  CreateClusterCommand,
  DescribeContainerInstancesCommand,
  DescribeTasksCommand,
  type ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import { expect } from 'vitest';
import { AgentDouble } from './agent-double.ts';
import { type Stage, stage } from './stage.ts';

export const ROLE = 'arn:aws:iam::123456789012:role/app';

/** Registers `web`, or what is given. */
export async function define(
  ecs: ECSClient,
  input: Partial<RegisterTaskDefinitionCommandInput> = {},
): Promise<void> {
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: 'web',
      containerDefinitions: [{ name: 'app', image: 'busybox', memory: 64 }],
      ...input,
    }),
  );
}

/** A cluster, a definition and one connected agent. */
export async function scene(options: Parameters<typeof stage>[0] = {}, input?: Parameters<typeof define>[1]) {
  const on = await stage(options);
  await on.ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
  await define(on.ecs, input);
  const agent = await AgentDouble.register(on, 'c', {
    attributes: [
      ...['task-iam-role', 'docker-remote-api.1.19'].map((name) => ({
        name: `com.amazonaws.ecs.capability.${name}`,
      })),
      { name: 'ecs.capability.task-eni' },
    ],
  });
  const acs = await agent.acs();
  return { on, agent, acs };
}

/** Runs a task, which must find its place; gives its ARN. */
export async function run(ecs: ECSClient, input: object = {}): Promise<string> {
  const { tasks, failures } = await ecs.send(
    new RunTaskCommand({ cluster: 'c', taskDefinition: 'web', ...input }),
  );
  expect(failures).toEqual([]);
  return tasks?.[0]?.taskArn ?? '';
}

export async function describeTask(ecs: ECSClient, task: string) {
  const { tasks } = await ecs.send(new DescribeTasksCommand({ cluster: 'c', tasks: [task] }));
  const first = tasks?.[0];
  if (first === undefined) throw new Error(`no task ${task}`);
  return first;
}

export const isConnected = async ({ ecs }: Stage, arn: string) => {
  const { containerInstances } = await ecs.send(
    new DescribeContainerInstancesCommand({ cluster: 'c', containerInstances: [arn] }),
  );
  return containerInstances?.[0]?.agentConnected === true;
};
