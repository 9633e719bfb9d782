import { z } from 'zod';

/**
 * Shapes inside a PayloadMessage (acs.md §10). Absent and null mean the same; unknown members pass (ACS-61).
 * Strictness that makes a task invalid (§11) is held by the parser that turns these into the domain's task.
 */
const text = z.string().nullish();
const count = z.number().int().nullish();
const flag = z.boolean().nullish();
const texts = z.array(z.string()).nullish();
const textMap = z.record(z.string(), z.string()).nullish();

export const iamRoleCredentialsSchema = z.looseObject({
  credentialsId: text,
  roleArn: text,
  accessKeyId: text,
  secretAccessKey: text,
  sessionToken: text,
  expiration: text,
});

export const portMappingSchema = z.looseObject({
  containerPort: count,
  hostPort: count,
  containerPortRange: text,
  protocol: text,
});

export const containerSchema = z.looseObject({
  name: text,
  image: text,
  command: texts,
  entryPoint: texts,
  environment: textMap,
  environmentFiles: z.array(z.looseObject({ value: text, type: text })).nullish(),
  essential: flag,
  cpu: count,
  memory: count,
  links: texts,
  portMappings: z.array(portMappingSchema).nullish(),
  mountPoints: z.array(z.looseObject({ sourceVolume: text, containerPath: text, readOnly: flag })).nullish(),
  volumesFrom: z.array(z.looseObject({ sourceContainer: text, readOnly: flag })).nullish(),
  dependsOn: z.array(z.looseObject({ containerName: text, condition: text })).nullish(),
  startTimeout: count,
  stopTimeout: count,
  dockerConfig: z.looseObject({ version: text, config: text, hostConfig: text }).nullish(),
  healthCheckType: text,
  registryAuthentication: z
    .looseObject({
      type: text,
      ecrAuthData: z
        .looseObject({ registryId: text, region: text, endpointOverride: text, useExecutionRole: flag })
        .nullish(),
      asmAuthData: z.looseObject({ credentialsParameter: text, region: text }).nullish(),
    })
    .nullish(),
  logsAuthStrategy: text,
  secrets: z
    .array(
      z.looseObject({ name: text, valueFrom: text, region: text, provider: text, type: text, target: text }),
    )
    .nullish(),
  managedAgents: z.array(z.looseObject({ name: text })).nullish(),
  firelensConfiguration: z.looseObject({ type: text, options: textMap }).nullish(),
  restartPolicy: z
    .looseObject({
      enabled: flag,
      ignoredExitCodes: z.array(z.number()).nullish(),
      restartAttemptPeriod: count,
    })
    .nullish(),
  credentialSpecs: texts,
  /** JSON text or an object; only `command` is allowed (§11). */
  overrides: z.unknown().optional(),
  containerArn: text,
});

export const volumeSchema = z.looseObject({
  name: text,
  type: text,
  host: z.looseObject({ sourcePath: text }).nullish(),
  dockerVolumeConfiguration: z
    .looseObject({ scope: text, autoprovision: flag, driver: text, driverOpts: textMap, labels: textMap })
    .nullish(),
  efsVolumeConfiguration: z.looseObject({}).nullish(),
  fsxWindowsFileServerVolumeConfiguration: z.looseObject({}).nullish(),
});

export const elasticNetworkInterfaceSchema = z.looseObject({
  attachmentArn: text,
  ec2Id: text,
  macAddress: text,
  ipv4Addresses: z.array(z.looseObject({ primary: flag, privateAddress: text })).nullish(),
  ipv6Addresses: z.array(z.looseObject({ primary: flag, address: text })).nullish(),
  subnetGatewayIpv4Address: text,
  subnetGatewayIpv6Address: text,
  domainNameServers: texts,
  domainName: texts,
  privateDnsName: text,
  interfaceAssociationProtocol: text,
  interfaceVlanProperties: z.looseObject({ vlanId: text, trunkInterfaceMacAddress: text }).nullish(),
});

export const attachmentSchema = z.looseObject({
  attachmentArn: text,
  attachmentType: text,
  attachmentProperties: z.array(z.looseObject({ name: text, value: text })).nullish(),
});

export const payloadTaskSchema = z.looseObject({
  arn: text,
  desiredStatus: text,
  family: text,
  version: text,
  containers: z.array(containerSchema).nullish(),
  volumes: z.array(volumeSchema).nullish(),
  cpu: z.number().nullish(),
  memory: count,
  roleCredentials: iamRoleCredentialsSchema.nullish(),
  executionRoleCredentials: iamRoleCredentialsSchema.nullish(),
  elasticNetworkInterfaces: z.array(elasticNetworkInterfaceSchema).nullish(),
  associations: z
    .array(
      z.looseObject({
        name: text,
        type: text,
        containers: texts,
        content: z.looseObject({ value: text }).nullish(),
      }),
    )
    .nullish(),
  pidMode: text,
  ipcMode: text,
  proxyConfiguration: z.looseObject({ type: text, containerName: text }).nullish(),
  attachments: z.array(attachmentSchema).nullish(),
  networkMode: text,
  launchType: text,
  serviceName: text,
  group: text,
  enableFaultInjection: flag,
  overrides: z.unknown().optional(),
  taskDefinitionAccountId: text,
});

export type PayloadTask = z.infer<typeof payloadTaskSchema>;
export type PayloadContainer = z.infer<typeof containerSchema>;
export type PayloadVolume = z.infer<typeof volumeSchema>;
export type PayloadEni = z.infer<typeof elasticNetworkInterfaceSchema>;
export type IamRoleCredentials = z.infer<typeof iamRoleCredentialsSchema>;
