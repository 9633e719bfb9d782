import { randomUUID } from 'node:crypto';

/** Where the resources of this control plane live. */
export interface Scope {
  readonly region: string;
  readonly account: string;
}

function arn(scope: Scope, resource: string): string {
  return `arn:aws:ecs:${scope.region}:${scope.account}:${resource}`;
}

/** 32 hex digits, the form of task and container instance ids. */
export function newId(): string {
  return randomUUID().replaceAll('-', '');
}

export function clusterArn(scope: Scope, name: string): string {
  return arn(scope, `cluster/${name}`);
}

export function containerInstanceArn(scope: Scope, cluster: string, id: string): string {
  return arn(scope, `container-instance/${cluster}/${id}`);
}

export function taskArn(scope: Scope, cluster: string, id: string): string {
  return arn(scope, `task/${cluster}/${id}`);
}

export function containerArn(scope: Scope, cluster: string, taskId: string): string {
  return arn(scope, `container/${cluster}/${taskId}/${randomUUID()}`);
}

export function taskDefinitionArn(scope: Scope, family: string, revision: number): string {
  return arn(scope, `task-definition/${family}:${revision}`);
}

export function attachmentArn(scope: Scope): string {
  return arn(scope, `attachment/${randomUUID()}`);
}

export function isArn(text: string): boolean {
  return text.startsWith('arn:');
}

/** What follows the last slash of an ARN; a bare name is returned as it is. */
export function lastPart(arnOrName: string): string {
  return arnOrName.slice(arnOrName.lastIndexOf('/') + 1);
}
