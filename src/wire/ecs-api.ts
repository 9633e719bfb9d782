import { z } from 'zod';
import { tagsSchema, taskDefinitionSchema, taskOverrideSchema } from './task-definition.ts';

/**
 * Request bodies of the ECS API, AWS JSON 1.1 (ecs-api.md §A4, §D1). Unknown members pass; a null member
 * counts as absent and is removed by `withoutNulls` before these see it. Times are epoch seconds.
 */
const text = z.string().optional();
const time = z.number().optional();
const page = { nextToken: text, maxResults: z.number().int().min(1).max(100).optional() };

export const attributeSchema = z.looseObject({ name: z.string().min(1), value: text });
export const resourceSchema = z.looseObject({
  name: z.string().min(1),
  type: z.string(),
  integerValue: z.number().int().optional(),
  stringSetValue: z.array(z.string()).optional(),
});

export const networkBindingSchema = z.looseObject({
  bindIP: text,
  containerPort: z.number().int().optional(),
  hostPort: z.number().int().optional(),
  protocol: text,
  containerPortRange: text,
  hostPortRange: text,
});

export const containerStateChangeSchema = z.looseObject({
  containerName: z.string(),
  status: text,
  imageDigest: text,
  runtimeId: text,
  exitCode: z.number().int().optional(),
  networkBindings: z.array(networkBindingSchema).optional(),
  reason: text,
});

const attachmentStateChanges = z.array(z.looseObject({ attachmentArn: z.string(), status: z.string() }));

export const registerContainerInstanceSchema = z.looseObject({
  cluster: text,
  containerInstanceArn: text,
  instanceIdentityDocument: text,
  instanceIdentityDocumentSignature: text,
  totalResources: z.array(resourceSchema).default([]),
  attributes: z.array(attributeSchema).default([]),
  tags: tagsSchema.optional(),
  platformDevices: z.array(z.looseObject({ id: z.string(), type: z.string() })).optional(),
  versionInfo: z.looseObject({ agentVersion: text, agentHash: text, dockerVersion: text }).optional(),
  clientToken: text,
});

export const submitTaskStateChangeSchema = z.looseObject({
  cluster: text,
  task: text,
  status: text,
  reason: text,
  containers: z.array(containerStateChangeSchema).optional(),
  managedAgents: z
    .array(
      z.looseObject({
        containerName: z.string(),
        managedAgentName: z.string(),
        status: z.string(),
        reason: text,
      }),
    )
    .optional(),
  attachments: attachmentStateChanges.optional(),
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
  exitCode: z.number().int().optional(),
  reason: text,
  networkBindings: z.array(networkBindingSchema).optional(),
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
  clusterName: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,255}$/, 'must be 1 to 255 letters, digits, _ or -')
    .optional(),
  tags: tagsSchema.optional(),
});
export const describeClustersSchema = z.looseObject({
  clusters: z.array(z.string()).optional(),
  include: z.array(z.string()).optional(),
});
export const listClustersSchema = z.looseObject(page);
export const deleteClusterSchema = z.looseObject({ cluster: z.string() });

export const deregisterContainerInstanceSchema = z.looseObject({
  cluster: text,
  containerInstance: z.string(),
  force: z.boolean().optional(),
});
export const describeContainerInstancesSchema = z.looseObject({
  cluster: text,
  containerInstances: z.array(z.string()).min(1).max(100),
  include: z.array(z.string()).optional(),
});
export const listContainerInstancesSchema = z.looseObject({
  cluster: text,
  filter: text,
  status: z.enum(['ACTIVE', 'DRAINING', 'REGISTERING', 'DEREGISTERING', 'REGISTRATION_FAILED']).optional(),
  ...page,
});
export const updateContainerInstancesStateSchema = z.looseObject({
  cluster: text,
  containerInstances: z.array(z.string()).min(1).max(10),
  status: z.enum(['ACTIVE', 'DRAINING']),
});

export const registerTaskDefinitionSchema = taskDefinitionSchema.extend({ tags: tagsSchema.optional() });
export const describeTaskDefinitionSchema = z.looseObject({
  taskDefinition: z.string(),
  include: z.array(z.string()).optional(),
});
export const deregisterTaskDefinitionSchema = z.looseObject({ taskDefinition: z.string() });
export const listTaskDefinitionsSchema = z.looseObject({
  familyPrefix: text,
  status: z.enum(['ACTIVE', 'INACTIVE', 'DELETE_IN_PROGRESS']).optional(),
  sort: z.enum(['ASC', 'DESC']).optional(),
  ...page,
});
export const listTaskDefinitionFamiliesSchema = z.looseObject({
  familyPrefix: text,
  status: z.enum(['ACTIVE', 'INACTIVE', 'ALL']).optional(),
  ...page,
});

const placementConstraints = z.array(z.looseObject({ type: z.string(), expression: text })).optional();
const launch = {
  cluster: text,
  taskDefinition: z.string(),
  overrides: taskOverrideSchema.optional(),
  group: text,
  startedBy: z.string().max(128).optional(),
  enableExecuteCommand: z.boolean().optional(),
  tags: tagsSchema.optional(),
  propagateTags: text,
  networkConfiguration: z
    .looseObject({
      awsvpcConfiguration: z.looseObject({ subnets: z.array(z.string()).optional() }).optional(),
    })
    .optional(),
  volumeConfigurations: z.array(z.looseObject({})).optional(),
};
export const runTaskSchema = z.looseObject({
  ...launch,
  count: z.number().int().optional(),
  launchType: text,
  capacityProviderStrategy: z.array(z.looseObject({})).optional(),
  placementConstraints,
  clientToken: z.string().max(64).optional(),
});
export const startTaskSchema = z.looseObject({
  ...launch,
  containerInstances: z.array(z.string()).min(1).max(10),
});
export type RunTaskInput = z.infer<typeof runTaskSchema>;
export type LaunchInput = Pick<RunTaskInput, keyof typeof launch>;

export const stopTaskSchema = z.looseObject({ cluster: text, task: z.string(), reason: text });
export const describeTasksSchema = z.looseObject({
  cluster: text,
  tasks: z.array(z.string()).min(1).max(100),
  include: z.array(z.string()).optional(),
});
export const listTasksSchema = z.looseObject({
  cluster: text,
  containerInstance: text,
  family: text,
  serviceName: text,
  startedBy: text,
  desiredStatus: z.enum(['RUNNING', 'PENDING', 'STOPPED']).optional(),
  launchType: text,
  ...page,
});

export const listTagsForResourceSchema = z.looseObject({ resourceArn: z.string() });
export const tagResourceSchema = z.looseObject({ resourceArn: z.string(), tags: tagsSchema });
export const untagResourceSchema = z.looseObject({ resourceArn: z.string(), tagKeys: z.array(z.string()) });

export const getTaskProtectionSchema = z.looseObject({
  cluster: z.string(),
  tasks: z.array(z.string()).max(100).optional(),
});
export const updateTaskProtectionSchema = z.looseObject({
  cluster: z.string(),
  tasks: z.array(z.string()).min(1).max(10),
  protectionEnabled: z.boolean(),
  expiresInMinutes: z.number().int().min(1).max(2880).optional(),
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
