import { z } from '../../schema.ts';
import {
  attributeSchema,
  type containerStateChangeSchema,
  networkBindingSchema,
  resourceSchema,
} from '../../wire/ecs-api.ts';
import { tagsSchema, taskDefinitionSchema, taskOverrideSchema } from '../../wire/task-definition.ts';
import { taskInterfaceSchema } from '../network-interfaces.ts';

/** What the control plane keeps. Times are ms since the epoch unless they came from an agent's report. */
export const clusterRecordSchema = z.object({
  clusterArn: z.string(),
  clusterName: z.string(),
  status: z.enum(['ACTIVE', 'INACTIVE']),
  tags: tagsSchema,
});

const healthSchema = z.object({
  type: z.string(),
  status: z.string(),
  lastUpdated: z.optional(z.number()),
  lastStatusChange: z.optional(z.number()),
});

export const instanceRecordSchema = z.object({
  containerInstanceArn: z.string(),
  clusterArn: z.string(),
  ec2InstanceId: z.optional(z.string()),
  instanceType: z.optional(z.string()),
  status: z.enum(['ACTIVE', 'DRAINING', 'INACTIVE']),
  version: z.number(),
  registeredAt: z.number(),
  attributes: z.array(attributeSchema),
  resources: z.array(resourceSchema),
  versionInfo: z.object({
    agentVersion: z.optional(z.string()),
    agentHash: z.optional(z.string()),
    dockerVersion: z.optional(z.string()),
  }),
  tags: tagsSchema,
  health: z.array(healthSchema),
  /** The last number given to a payload or manifest of this instance (acs.md §12). */
  sequence: z.number(),
});

export const taskDefinitionRecordSchema = z.object({
  taskDefinitionArn: z.string(),
  family: z.string(),
  revision: z.number(),
  status: z.enum(['ACTIVE', 'INACTIVE']),
  registeredAt: z.number(),
  deregisteredAt: z.optional(z.number()),
  requiresAttributes: z.array(attributeSchema),
  tags: tagsSchema,
  definition: taskDefinitionSchema,
});

export const credentialsRecordSchema = z.object({
  credentialsId: z.string(),
  roleArn: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  sessionToken: z.string(),
  expiresAt: z.number(),
  /** The expiry that the agent last acked; another one than `expiresAt` means that keys are to be sent. */
  ackedExpiresAt: z.optional(z.number()),
});

export const taskNeedsSchema = z.object({
  /** CPU units. */
  cpu: z.number(),
  memoryMiB: z.number(),
  tcpPorts: z.array(z.string()),
  udpPorts: z.array(z.string()),
});

export const taskContainerSchema = z.object({
  containerArn: z.string(),
  name: z.string(),
  image: z.string(),
  essential: z.boolean(),
  lastStatus: z.enum(['PENDING', 'RUNNING', 'STOPPED']),
  imageDigest: z.optional(z.string()),
  runtimeId: z.optional(z.string()),
  exitCode: z.optional(z.number()),
  reason: z.optional(z.string()),
  networkBindings: z.optional(z.array(networkBindingSchema)),
  healthChecked: z.boolean(),
  healthStatus: z.string(),
  managedAgents: z.optional(
    z.array(
      z.object({
        name: z.string(),
        lastStatus: z.string(),
        reason: z.optional(z.string()),
        lastStartedAt: z.optional(z.number()),
      }),
    ),
  ),
  gpuIds: z.optional(z.array(z.string())),
});

export const taskRecordSchema = z.object({
  taskArn: z.string(),
  clusterArn: z.string(),
  containerInstanceArn: z.string(),
  taskDefinitionArn: z.string(),
  lastStatus: z.enum(['PROVISIONING', 'PENDING', 'RUNNING', 'STOPPED']),
  desiredStatus: z.enum(['RUNNING', 'STOPPED']),
  version: z.number(),
  createdAt: z.number(),
  startedAt: z.optional(z.number()),
  stoppingAt: z.optional(z.number()),
  stoppedAt: z.optional(z.number()),
  connectedAt: z.optional(z.number()),
  /** Epoch seconds, as reported. */
  pullStartedAt: z.optional(z.number()),
  pullStoppedAt: z.optional(z.number()),
  executionStoppedAt: z.optional(z.number()),
  stopCode: z.optional(z.enum(['UserInitiated', 'EssentialContainerExited', 'TaskFailedToStart'])),
  stoppedReason: z.optional(z.string()),
  startedBy: z.optional(z.string()),
  group: z.string(),
  launchType: z.enum(['EC2', 'EXTERNAL']),
  enableExecuteCommand: z.boolean(),
  overrides: taskOverrideSchema,
  tags: tagsSchema,
  needs: taskNeedsSchema,
  containers: z.array(taskContainerSchema),
  /** Of awsvpc tasks. */
  networkInterface: z.optional(taskInterfaceSchema),
  roleCredentials: z.optional(credentialsRecordSchema),
  executionRoleCredentials: z.optional(credentialsRecordSchema),
  /** The agent acked the payload that starts this task. */
  delivered: z.boolean(),
  protection: z.optional(z.object({ enabled: z.boolean(), expiresAt: z.optional(z.number()) })),
});

/**
 * A message about a task that the agent has not acked. A payload carries the desired status that the task has when
 * it is sent; `attach` announces its ENI.
 */
export const outboxRecordSchema = z.object({
  messageId: z.string(),
  containerInstanceArn: z.string(),
  taskArn: z.string(),
  seqNum: z.number(),
  content: z._default(z.enum(['payload', 'attach']), 'payload'),
});

/** What a clientToken was answered with. */
export const tokenRecordSchema = z.object({
  token: z.string(),
  fingerprint: z.string(),
  arns: z.array(z.string()),
  createdAt: z.number(),
});

export type ClusterRecord = z.infer<typeof clusterRecordSchema>;
export type InstanceRecord = z.infer<typeof instanceRecordSchema>;
export type TaskDefinitionRecord = z.infer<typeof taskDefinitionRecordSchema>;
export type CredentialsRecord = z.infer<typeof credentialsRecordSchema>;
export type TaskNeeds = z.infer<typeof taskNeedsSchema>;
export type TaskContainer = z.infer<typeof taskContainerSchema>;
export type TaskRecord = z.infer<typeof taskRecordSchema>;
export type OutboxRecord = z.infer<typeof outboxRecordSchema>;
export type TokenRecord = z.infer<typeof tokenRecordSchema>;
export type ReportedContainer = z.infer<typeof containerStateChangeSchema>;
