import { z } from 'zod';

/**
 * A task definition as the public API takes it (RegisterTaskDefinition). Unknown members pass, so that a
 * definition is kept as it was given; what is named here is what the ACS payload is made of (ecs-api.md §D2).
 */
const text = z.string().optional();
const count = z.number().int().optional();
const flag = z.boolean().optional();
const texts = z.array(z.string()).optional();
const textMap = z.record(z.string(), z.string()).optional();

export const environmentSchema = z.array(z.looseObject({ name: z.string(), value: text })).optional();
export const environmentFilesSchema = z
  .array(z.looseObject({ value: z.string(), type: z.string() }))
  .optional();
export const resourceRequirementsSchema = z
  .array(z.looseObject({ type: z.string(), value: z.string() }))
  .optional();
const secretsSchema = z.array(z.looseObject({ name: z.string(), valueFrom: z.string() })).optional();

const linuxParametersSchema = z.looseObject({
  capabilities: z.looseObject({ add: texts, drop: texts }).optional(),
  devices: z
    .array(z.looseObject({ hostPath: z.string(), containerPath: text, permissions: texts }))
    .optional(),
  initProcessEnabled: flag,
  /** MiB. */
  sharedMemorySize: count,
  /** Sizes in MiB. */
  tmpfs: z
    .array(z.looseObject({ containerPath: z.string(), size: z.number().int(), mountOptions: texts }))
    .optional(),
  /** MiB. */
  maxSwap: count,
  swappiness: count,
});

export const containerDefinitionSchema = z.looseObject({
  name: z.string().min(1),
  image: z.string().min(1),
  cpu: z.number().int().nonnegative().optional(),
  /** MiB, hard limit. */
  memory: z.number().int().positive().optional(),
  /** MiB, soft limit. */
  memoryReservation: z.number().int().positive().optional(),
  essential: flag,
  links: texts,
  portMappings: z
    .array(
      z.looseObject({
        containerPort: z.number().int().min(0).max(65535).optional(),
        hostPort: z.number().int().min(0).max(65535).optional(),
        containerPortRange: text,
        protocol: z.enum(['tcp', 'udp']).optional(),
      }),
    )
    .optional(),
  entryPoint: texts,
  command: texts,
  environment: environmentSchema,
  environmentFiles: environmentFilesSchema,
  mountPoints: z.array(z.looseObject({ sourceVolume: text, containerPath: text, readOnly: flag })).optional(),
  volumesFrom: z.array(z.looseObject({ sourceContainer: text, readOnly: flag })).optional(),
  linuxParameters: linuxParametersSchema.optional(),
  secrets: secretsSchema,
  dependsOn: z
    .array(
      z.looseObject({
        containerName: z.string(),
        condition: z.enum(['START', 'COMPLETE', 'SUCCESS', 'HEALTHY']),
      }),
    )
    .optional(),
  startTimeout: count,
  stopTimeout: count,
  hostname: text,
  user: text,
  workingDirectory: text,
  disableNetworking: flag,
  privileged: flag,
  readonlyRootFilesystem: flag,
  dnsServers: texts,
  dnsSearchDomains: texts,
  extraHosts: z.array(z.looseObject({ hostname: z.string(), ipAddress: z.string() })).optional(),
  dockerSecurityOptions: texts,
  interactive: flag,
  pseudoTerminal: flag,
  dockerLabels: textMap,
  ulimits: z
    .array(z.looseObject({ name: z.string(), softLimit: z.number().int(), hardLimit: z.number().int() }))
    .optional(),
  logConfiguration: z
    .looseObject({ logDriver: z.string(), options: textMap, secretOptions: secretsSchema })
    .optional(),
  /** Times in seconds. */
  healthCheck: z
    .looseObject({
      command: z.array(z.string()).min(1),
      interval: count,
      timeout: count,
      retries: count,
      startPeriod: count,
    })
    .optional(),
  systemControls: z.array(z.looseObject({ namespace: text, value: text })).optional(),
  resourceRequirements: resourceRequirementsSchema,
  firelensConfiguration: z.looseObject({ type: z.string(), options: textMap }).optional(),
  repositoryCredentials: z.looseObject({ credentialsParameter: z.string() }).optional(),
  restartPolicy: z
    .looseObject({
      enabled: z.boolean(),
      ignoredExitCodes: z.array(z.number().int()).optional(),
      restartAttemptPeriod: count,
    })
    .optional(),
  credentialSpecs: texts,
});

export const taskVolumeSchema = z.looseObject({
  name: z.string().min(1),
  host: z.looseObject({ sourcePath: text }).optional(),
  dockerVolumeConfiguration: z
    .looseObject({
      scope: z.enum(['task', 'shared']).optional(),
      autoprovision: flag,
      driver: text,
      driverOpts: textMap,
      labels: textMap,
    })
    .optional(),
  efsVolumeConfiguration: z
    .looseObject({
      fileSystemId: z.string(),
      rootDirectory: text,
      transitEncryption: text,
      transitEncryptionPort: count,
      authorizationConfig: z.looseObject({ accessPointId: text, iam: text }).optional(),
    })
    .optional(),
  fsxWindowsFileServerVolumeConfiguration: z.looseObject({ fileSystemId: z.string() }).optional(),
  configuredAtLaunch: flag,
});

export const tagsSchema = z.array(z.looseObject({ key: z.string().min(1), value: z.string().default('') }));

export const taskDefinitionSchema = z.looseObject({
  family: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/, 'must be 1 to 255 letters, digits, _ or -'),
  containerDefinitions: z.array(containerDefinitionSchema).min(1),
  volumes: z.array(taskVolumeSchema).optional(),
  /** CPU units, or a text such as `0.5 vCPU`. */
  cpu: text,
  /** MiB, or a text such as `1 GB`. */
  memory: text,
  networkMode: z.enum(['bridge', 'host', 'awsvpc', 'none']).optional(),
  pidMode: z.enum(['host', 'task']).optional(),
  ipcMode: z.enum(['host', 'task', 'none']).optional(),
  taskRoleArn: text,
  executionRoleArn: text,
  placementConstraints: z.array(z.looseObject({ type: z.string(), expression: text })).optional(),
  requiresCompatibilities: texts,
  proxyConfiguration: z
    .looseObject({
      type: text,
      containerName: z.string(),
      properties: environmentSchema,
    })
    .optional(),
  runtimePlatform: z.looseObject({ cpuArchitecture: text, operatingSystemFamily: text }).optional(),
  enableFaultInjection: flag,
});

export type TaskDefinition = z.infer<typeof taskDefinitionSchema>;
export type ContainerDefinition = z.infer<typeof containerDefinitionSchema>;
export type TaskVolume = z.infer<typeof taskVolumeSchema>;
export type LinuxParameters = z.infer<typeof linuxParametersSchema>;
export type Tag = z.infer<typeof tagsSchema>[number];

/** What RunTask and StartTask may change of a definition. */
export const taskOverrideSchema = z.looseObject({
  containerOverrides: z
    .array(
      z.looseObject({
        name: z.string(),
        command: texts,
        environment: environmentSchema,
        environmentFiles: environmentFilesSchema,
        cpu: count,
        memory: count,
        memoryReservation: count,
        resourceRequirements: resourceRequirementsSchema,
      }),
    )
    .optional(),
  cpu: text,
  memory: text,
  taskRoleArn: text,
  executionRoleArn: text,
});

export type TaskOverride = z.infer<typeof taskOverrideSchema>;
export type ContainerOverride = NonNullable<TaskOverride['containerOverrides']>[number];
