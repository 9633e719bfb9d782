import {
  deregisterTaskDefinitionSchema,
  describeTaskDefinitionSchema,
  listTaskDefinitionFamiliesSchema,
  listTaskDefinitionsSchema,
  registerTaskDefinitionSchema,
} from '../../wire/ecs-api.ts';
import { taskDefinitionArn } from '../arns.ts';
import { requireTaskDefinition } from '../lookup.ts';
import { type Call, type Operation, operation } from '../operation.ts';
import { page } from '../pagination.ts';
import { requiredAttributes } from '../placement/required-attributes.ts';
import type { TaskDefinitionRecord } from '../state/records.ts';
import { checkDefinition, withDefaults } from '../tasks/definition-rules.ts';
import { seconds } from '../tasks/describe-task.ts';

export const taskDefinitionOperations: Readonly<Record<string, Operation>> = {
  RegisterTaskDefinition: operation(registerTaskDefinitionSchema, ({ tags, ...given }, call) => {
    checkDefinition(given);
    const definition = withDefaults(given);
    const { family } = definition;
    const revisions = call.state.taskDefinitions
      .filter((record) => record.family === family)
      .map((record) => record.revision);
    const revision = Math.max(0, ...revisions) + 1;
    const record: TaskDefinitionRecord = {
      taskDefinitionArn: taskDefinitionArn(call.settings, family, revision),
      family,
      revision,
      status: 'ACTIVE',
      registeredAt: call.nowMs,
      requiresAttributes: requiredAttributes(definition),
      tags: tags ?? [],
      definition,
    };
    call.state.taskDefinitions.put(record.taskDefinitionArn, record);
    return { taskDefinition: describe(record, call), tags: record.tags };
  }),

  DescribeTaskDefinition: operation(describeTaskDefinitionSchema, (input, call) => {
    const record = requireTaskDefinition(call, input.taskDefinition, 'Unable to describe task definition.');
    return {
      taskDefinition: describe(record, call),
      tags: input.include?.includes('TAGS') === true ? record.tags : [],
    };
  }),

  DeregisterTaskDefinition: operation(deregisterTaskDefinitionSchema, (input, call) => {
    const record = requireTaskDefinition(call, input.taskDefinition, 'Unable to describe task definition.');
    const inactive: TaskDefinitionRecord = {
      ...record,
      status: 'INACTIVE',
      deregisteredAt: record.deregisteredAt ?? call.nowMs,
    };
    call.state.taskDefinitions.put(record.taskDefinitionArn, inactive);
    return { taskDefinition: describe(inactive, call) };
  }),

  ListTaskDefinitions: operation(listTaskDefinitionsSchema, (input, call) => {
    const status = input.status ?? 'ACTIVE';
    const records = call.state.taskDefinitions
      .filter((record) => record.status === status)
      .filter(({ family }) => input.familyPrefix === undefined || family === input.familyPrefix)
      .sort((a, b) => compare(a.family, b.family) || a.revision - b.revision);
    if (input.sort === 'DESC') records.reverse();
    const { items, ...rest } = page(
      records.map((record) => record.taskDefinitionArn),
      input,
    );
    return { taskDefinitionArns: items, ...rest };
  }),

  ListTaskDefinitionFamilies: operation(listTaskDefinitionFamiliesSchema, (input, call) => {
    const families = new Set(
      call.state.taskDefinitions
        .filter(({ family }) => family.startsWith(input.familyPrefix ?? ''))
        .map(({ family }) => family),
    );
    const active = new Set(
      call.state.taskDefinitions.filter(({ status }) => status === 'ACTIVE').map(({ family }) => family),
    );
    const status = input.status ?? 'ALL';
    const wanted = [...families].filter(
      (family) => status === 'ALL' || active.has(family) === (status === 'ACTIVE'),
    );
    const { items, ...rest } = page(wanted.sort(compare), input);
    return { families: items, ...rest };
  }),
};

function describe(record: TaskDefinitionRecord, call: Call): object {
  return {
    ...record.definition,
    taskDefinitionArn: record.taskDefinitionArn,
    revision: record.revision,
    status: record.status,
    requiresAttributes: record.requiresAttributes,
    compatibilities: ['EXTERNAL', 'EC2'],
    registeredAt: seconds(record.registeredAt),
    deregisteredAt: seconds(record.deregisteredAt),
    registeredBy: `arn:aws:iam::${call.settings.account}:root`,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
