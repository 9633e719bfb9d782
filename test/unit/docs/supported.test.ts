import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HONOURED_CONFIG, HONOURED_HOST_CONFIG } from '../../../src/acs/docker-config.ts';
import { parsePayloadTask } from '../../../src/acs/payload-task.ts';
import { DRIVERS } from '../../../src/container-log/service/drivers.ts';
import { networkInterfaceSchema } from '../../../src/control-plane/network-interfaces.ts';
import { taskPayload } from '../../../src/control-plane/payload/task-payload.ts';
import { containerDefinitionSchema, taskDefinitionSchema } from '../../../src/wire/task-definition.ts';
import { expectDocument, markdownTable } from '../../support/kept-document.ts';
import { definition, definitionRecord, SCOPE, taskRecord } from '../control-plane/records.ts';
import { type Example, GROUPS, RUN_ONLY } from './definition-examples.ts';

const CREDENTIALS = {
  credentialsId: 'c',
  roleArn: 'arn:aws:iam::123456789012:role/task',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'secret',
  sessionToken: 'token',
  expiresAt: 0,
};

const NETWORK_INTERFACE = {
  attachmentArn: 'arn:aws:ecs:us-west-2:123456789012:attachment/1',
  status: 'ATTACHED',
  waitsUntil: 0,
  interface: networkInterfaceSchema.parse({
    ec2Id: 'eni-1',
    macAddress: '0e:00:00:00:00:01',
    privateIpv4Addresses: ['10.0.2.100'],
    subnetGatewayIpv4Address: '10.0.2.1/24',
  }),
} as const;

/** What the agent refuses of the payload that ECS makes of the example; host mode unless it says otherwise. */
function refusedOf({ task = {}, container = {} }: Example): readonly string[] {
  const other = { name: 'other', image: 'busybox', memory: 64 };
  const given = definition({
    networkMode: 'host',
    ...task,
    containerDefinitions: [{ name: 'app', image: 'busybox', memory: 64, ...container }, other],
  });
  const record = taskRecord(given, {
    ...(given.networkMode === 'awsvpc' && { networkInterface: NETWORK_INTERFACE }),
    ...(given.taskRoleArn !== undefined && { roleCredentials: CREDENTIALS }),
    ...(given.executionRoleArn !== undefined && { executionRoleCredentials: CREDENTIALS }),
  });
  const wantsGpu = given.containerDefinitions.some((one) => (one.resourceRequirements ?? []).length > 0);
  const payload = JSON.parse(JSON.stringify(taskPayload(record, definitionRecord(given), SCOPE)));
  const associations = wantsGpu ? [{ type: 'gpu', name: '0', containers: ['app'] }] : payload.associations;
  const parsed = parsePayloadTask({ ...payload, associations }, record.clusterArn);
  if (parsed.kind !== 'task') throw new Error(JSON.stringify(parsed));
  return parsed.spec.unsupported;
}

/** `volumes=data (hostPath)` and `containers[app].hostConfig.Init=true` without the value. */
const fieldOf = (refusal: string) => refusal.replace(/=.*$/s, '').replace(/^containers\[[^\]]*\]\./, '');

const examples = GROUPS.flatMap((group) => group.examples);
const source = readFileSync(new URL('../../../src/acs/unsupported.ts', import.meta.url), 'utf8');
const rows = [...source.matchAll(/field: '(\w+)'/g)].map(([, field = '']) => field);

function supportedDocument(): string {
  const table = (group: (typeof GROUPS)[number]) =>
    markdownTable(
      ['parameter', 'today', 'remark'],
      group.examples.map((example) => {
        const fields = [...new Set(refusedOf(example).map(fieldOf))];
        return [
          `\`${example.parameter}\`${example.value === undefined ? '' : `: ${example.value}`}`,
          fields.length === 0 ? 'yes' : '**refused**',
          [
            ...(example.note === undefined ? [] : [example.note]),
            ...(fields.length === 0 ? [] : [`the reason names ${fields.map((f) => `\`${f}\``).join(', ')}`]),
          ].join('; '),
        ];
      }),
    );
  return `# What a task definition may use

A task that asks for what this agent cannot do yet is not run by half: it is reported STOPPED at once, with a reason
that names every such field and its value. The capabilities that go with these features are not claimed at
registration either, so ECS places no task that needs one.

This page is made from \`test/unit/docs/definition-examples.ts\`: a test turns each row into a payload, lets the agent
judge it, and compares the outcome with this page.

${GROUPS.map((group) => `## ${group.title}\n\n${table(group)}\n`).join('\n')}
## Log drivers

\`logConfiguration.logDriver\` may be ${[...Object.keys(DRIVERS), 'none'].map((name) => `\`${name}\``).join(', ')}; any other
driver is not claimed at registration, and a container that names one cannot be created.

## What comes in payloads by other ways

Refused too, by the name of the field in the payload:

${Object.entries(RUN_ONLY)
  .map(([field, what]) => `- \`${field}\`: ${what}`)
  .join('\n')}
`;
}

describe('docs/supported.md', () => {
  it('says what the agent does', () => {
    expectDocument('supported.md', supportedDocument());
  });

  it('covers every parameter of a container and of a task', () => {
    const named = new Set(examples.map(({ parameter }) => parameter.split(/[.[]/)[0]));
    const members = Object.keys({ ...taskDefinitionSchema.shape, ...containerDefinitionSchema.shape });
    expect(members.filter((member) => !named.has(member) && member !== 'logConfiguration')).toEqual([]);
    const linux = containerDefinitionSchema.shape.linuxParameters.def.innerType.shape;
    const covered = examples.map(({ parameter }) => parameter);
    expect(Object.keys(linux).filter((member) => !covered.includes(`linuxParameters.${member}`))).toEqual([]);
  });

  it('covers every field that is refused', () => {
    const named = new Set(examples.flatMap(refusedOf).map(fieldOf));
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.filter((field) => !named.has(field) && RUN_ONLY[field] === undefined)).toEqual([]);
    expect(Object.keys(RUN_ONLY).filter((field) => !rows.includes(field))).toEqual([]);
  });

  it('covers every member of dockerConfig that is honoured', () => {
    const sent = new Set(
      examples.flatMap(({ task = {}, container = {} }) => {
        const given = definition({ networkMode: 'host', ...task }, container);
        const [first] = taskPayload(taskRecord(given), definitionRecord(given), SCOPE).containers ?? [];
        const { config, hostConfig } = first?.dockerConfig ?? {};
        return [config, hostConfig].flatMap((text) => Object.keys(JSON.parse(text ?? '{}')));
      }),
    );
    // ECS sends these as members of the container, or not at all.
    const elsewhere = [
      ...['Cmd', 'Entrypoint', 'Env', 'Memory', 'CpuShares', 'LogConfig'],
      ...[
        'Domainname',
        'StopSignal',
        'GroupAdd',
        'MaskedPaths',
        'ReadonlyPaths',
        'OomScoreAdj',
        'OomKillDisable',
      ],
      ...['CpuPeriod', 'CpuQuota', 'NanoCpus', 'CpuRealtimePeriod', 'CpuRealtimeRuntime'],
      ...['CpusetCpus', 'CpusetMems', 'BlkioWeight', 'PidsLimit'],
    ];
    const honoured = [...HONOURED_CONFIG, ...HONOURED_HOST_CONFIG];
    expect(honoured.filter((member) => !sent.has(member) && !elsewhere.includes(member))).toEqual([]);
  });
});
