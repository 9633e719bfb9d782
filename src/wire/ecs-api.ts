import { z } from '../schema.ts';
import { tagsSchema, taskDefinitionSchema, taskOverrideSchema } from './task-definition.ts';

/**
 * Request bodies of the ECS API, AWS JSON 1.1 (ecs-api.md §A4, §D1). Unknown members pass; a null member
 * counts as absent and is removed by `withoutNulls` before these see it. Times are epoch seconds.
 */
const text = z.optional(z.string());
const time = z.optional(z.number());
const page = { nextToken: text, maxResults: z.optional(z.int().check(z.minimum(1), z.maximum(100))) };

export const attributeSchema = z.looseObject({ name: z.string().check(z.minLength(1)), value: text });
export const resourceSchema = z.looseObject({
  name: z.string().check(z.minLength(1)),
  type: z.string(),
  integerValue: z.optional(z.int()),
  stringSetValue: z.optional(z.array(z.string())),
});

export const networkBindingSchema = z.looseObject({
  bindIP: text,
  containerPort: z.optional(z.int()),
  hostPort: z.optional(z.int()),
  protocol: text,
  containerPortRange: text,
  hostPortRange: text,
});

export const containerStateChangeSchema = z.looseObject({
  containerName: z.string(),
  status: text,
  imageDigest: text,
  runtimeId: text,
  exitCode: z.optional(z.int()),
  networkBindings: z.optional(z.array(networkBindingSchema)),
  reason: text,
});

const attachmentStateChanges = z.array(z.looseObject({ attachmentArn: z.string(), status: z.string() }));

export const registerContainerInstanceSchema = z.looseObject({
  cluster: text,
  containerInstanceArn: text,
  instanceIdentityDocument: text,
  instanceIdentityDocumentSignature: text,
  totalResources: z._default(z.array(resourceSchema), []),
  attributes: z._default(z.array(attributeSchema), []),
  tags: z.optional(tagsSchema),
  platformDevices: z.optional(z.array(z.looseObject({ id: z.string(), type: z.string() }))),
  versionInfo: z.optional(z.looseObject({ agentVersion: text, agentHash: text, dockerVersion: text })),
  clientToken: text,
});

export const submitTaskStateChangeSchema = z.looseObject({
  cluster: text,
  task: text,
  status: text,
  reason: text,
  containers: z.optional(z.array(containerStateChangeSchema)),
  managedAgents: z.optional(
    z.array(
      z.looseObject({
        containerName: z.string(),
        managedAgentName: z.string(),
        status: z.string(),
        reason: text,
      }),
    ),
  ),
  attachments: z.optional(attachmentStateChanges),
  pullStartedAt: time,
  pullStoppedAt: time,
  executionStoppedAt: time,
});

export const submitContainerStateChangeSchema = z.looseObject({
  cluster: text,
  task: text,
  containerName: z.string(),
  runtimeId: text,
  status: text,
  exitCode: z.optional(z.int()),
  reason: text,
  networkBindings: z.optional(z.array(networkBindingSchema)),
});

export const submitAttachmentStateChangesSchema = z.looseObject({
  cluster: text,
  attachments: attachmentStateChanges,
});

export const discoverPollEndpointSchema = z.looseObject({
  cluster: text,
  containerInstance: text,
  zoneId: text,
});

export const createClusterSchema = z.looseObject({
  clusterName: z.optional(
    z.string().check(z.regex(/^[A-Za-z0-9_-]{1,255}$/, 'must be 1 to 255 letters, digits, _ or -')),
  ),
  tags: z.optional(tagsSchema),
});
export const describeClustersSchema = z.looseObject({
  clusters: z.optional(z.array(z.string())),
  include: z.optional(z.array(z.string())),
});
export const listClustersSchema = z.looseObject(page);
export const deleteClusterSchema = z.looseObject({ cluster: z.string() });

export const deregisterContainerInstanceSchema = z.looseObject({
  cluster: text,
  containerInstance: z.string(),
  force: z.optional(z.boolean()),
});
export const describeContainerInstancesSchema = z.looseObject({
  cluster: text,
  containerInstances: z.array(z.string()).check(z.minLength(1), z.maxLength(100)),
  include: z.optional(z.array(z.string())),
});
export const listContainerInstancesSchema = z.looseObject({
  cluster: text,
  filter: text,
  status: z.optional(z.enum(['ACTIVE', 'DRAINING', 'REGISTERING', 'DEREGISTERING', 'REGISTRATION_FAILED'])),
  ...page,
});
export const updateContainerInstancesStateSchema = z.looseObject({
  cluster: text,
  containerInstances: z.array(z.string()).check(z.minLength(1), z.maxLength(10)),
  status: z.enum(['ACTIVE', 'DRAINING']),
});

export const registerTaskDefinitionSchema = z.extend(taskDefinitionSchema, { tags: z.optional(tagsSchema) });
export const describeTaskDefinitionSchema = z.looseObject({
  taskDefinition: z.string(),
  include: z.optional(z.array(z.string())),
});
export const deregisterTaskDefinitionSchema = z.looseObject({ taskDefinition: z.string() });
export const listTaskDefinitionsSchema = z.looseObject({
  familyPrefix: text,
  status: z.optional(z.enum(['ACTIVE', 'INACTIVE', 'DELETE_IN_PROGRESS'])),
  sort: z.optional(z.enum(['ASC', 'DESC'])),
  ...page,
});
export const listTaskDefinitionFamiliesSchema = z.looseObject({
  familyPrefix: text,
  status: z.optional(z.enum(['ACTIVE', 'INACTIVE', 'ALL'])),
  ...page,
});

const placementConstraints = z.optional(z.array(z.looseObject({ type: z.string(), expression: text })));
const launch = {
  cluster: text,
  taskDefinition: z.string(),
  overrides: z.optional(taskOverrideSchema),
  group: text,
  startedBy: z.optional(z.string().check(z.maxLength(128))),
  enableExecuteCommand: z.optional(z.boolean()),
  tags: z.optional(tagsSchema),
  propagateTags: text,
  networkConfiguration: z.optional(
    z.looseObject({
      awsvpcConfiguration: z.optional(z.looseObject({ subnets: z.optional(z.array(z.string())) })),
    }),
  ),
  volumeConfigurations: z.optional(z.array(z.looseObject({}))),
};
export const runTaskSchema = z.looseObject({
  ...launch,
  count: z.optional(z.int()),
  launchType: text,
  capacityProviderStrategy: z.optional(z.array(z.looseObject({}))),
  placementConstraints,
  clientToken: z.optional(z.string().check(z.maxLength(64))),
});
export const startTaskSchema = z.looseObject({
  ...launch,
  containerInstances: z.array(z.string()).check(z.minLength(1), z.maxLength(10)),
});
export type RunTaskInput = z.infer<typeof runTaskSchema>;
export type LaunchInput = Pick<RunTaskInput, keyof typeof launch>;

export const stopTaskSchema = z.looseObject({ cluster: text, task: z.string(), reason: text });
export const describeTasksSchema = z.looseObject({
  cluster: text,
  tasks: z.array(z.string()).check(z.minLength(1), z.maxLength(100)),
  include: z.optional(z.array(z.string())),
});
export const listTasksSchema = z.looseObject({
  cluster: text,
  containerInstance: text,
  family: text,
  serviceName: text,
  startedBy: text,
  desiredStatus: z.optional(z.enum(['RUNNING', 'PENDING', 'STOPPED'])),
  launchType: text,
  ...page,
});

export const listTagsForResourceSchema = z.looseObject({ resourceArn: z.string() });
export const tagResourceSchema = z.looseObject({ resourceArn: z.string(), tags: tagsSchema });
export const untagResourceSchema = z.looseObject({ resourceArn: z.string(), tagKeys: z.array(z.string()) });

export const getTaskProtectionSchema = z.looseObject({
  cluster: z.string(),
  tasks: z.optional(z.array(z.string()).check(z.maxLength(100))),
});
export const updateTaskProtectionSchema = z.looseObject({
  cluster: z.string(),
  tasks: z.array(z.string()).check(z.minLength(1), z.maxLength(10)),
  protectionEnabled: z.boolean(),
  expiresInMinutes: z.optional(z.int().check(z.minimum(1), z.maximum(2880))),
});

export type Attribute = z.infer<typeof attributeSchema>;
export type Resource = z.infer<typeof resourceSchema>;
export type ContainerStateChange = z.infer<typeof containerStateChangeSchema>;
export type TaskStateChange = z.infer<typeof submitTaskStateChangeSchema>;
export type RegisterContainerInstanceInput = z.infer<typeof registerContainerInstanceSchema>;

/** Copies a JSON value without its null members: AWS JSON makes no difference between null and absent. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]));
}
