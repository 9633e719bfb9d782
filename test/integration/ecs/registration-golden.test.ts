import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { configMetadata } from '../../../src/aws/config-metadata.ts';
import { createInstanceMetadata } from '../../../src/aws/imds.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { EcsClient } from '../../../src/ecs/client.ts';
import { IMPLEMENTED_FEATURES, type ImplementedFeatures } from '../../../src/ecs/implemented-features.ts';
import { readInstanceFacts } from '../../../src/ecs/instance-facts.ts';
import { registerInstance } from '../../../src/ecs/registration.ts';
import { AnsweringServer, type SeenRequest } from '../../unit/aws/answering-server.ts';
import { ALL_FEATURES } from '../../unit/ecs/registration-world.ts';
import { answerJson, signal } from './client-world.ts';

interface Recorded {
  readonly ch: string;
  readonly dir?: string;
  readonly op?: string;
  readonly event?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

const golden: readonly Recorded[] = (await readFile('test/golden/01-registration.jsonl', 'utf8'))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

function recorded(test: (entry: Recorded) => boolean): Recorded {
  const entry = golden.find(test);
  if (entry === undefined) throw new Error('the recording has no such entry');
  return entry;
}

const call = recorded((entry) => entry.op === 'RegisterContainerInstance' && entry.dir === 'in');
const answer = recorded((entry) => entry.op === 'RegisterContainerInstance' && entry.dir === 'out');
const environment = recorded((entry) => entry.event === 'agent-exec').env ?? {};
const body = call.body ?? {};
const lookUps = golden.filter((entry) => entry.ch === 'imds');

/** What the agent claimed that this one never does: a service that ended. */
const NEVER = ['ecs.capability.task-eia', 'ecs.capability.task-eia.optimized-cpu'];

/** Starts as far as the registration, in the recorded environment against doubles with the recorded answers. */
async function start(features: ImplementedFeatures): Promise<{
  imds: readonly SeenRequest[];
  request: SeenRequest;
  sent: Readonly<Record<string, unknown>>;
}> {
  await using imdsServer = await AnsweringServer.start(({ path }, _count, response) => {
    const known = lookUps.find((entry) => entry.path === path);
    const texts: Record<string, unknown> = {
      '/latest/meta-data/mac': '02:00:0a:00:00:05',
      '/latest/dynamic/instance-identity/document': body.instanceIdentityDocument,
      '/latest/dynamic/instance-identity/signature': body.instanceIdentityDocumentSignature,
    };
    response.writeHead(known?.status ?? 404).end(String(texts[path] ?? 'example'));
  });
  await using ecs = await AnsweringServer.start((_request, _count, response) =>
    answerJson(response, answer.status ?? 0, answer.body ?? {}),
  );
  const env = {
    ...environment,
    ECS_BACKEND_HOST: ecs.url,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: imdsServer.url,
  };
  const imds = createInstanceMetadata(env, false);
  const { config, warnings } = await loadConfig({
    env,
    readFile: async () => undefined,
    imds: configMetadata(imds),
  });
  expect(warnings).toEqual([]);
  const client = new EcsClient({
    config,
    credentials: { get: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }) },
  });
  const facts = await readInstanceFacts(imds, { signal });
  const registration = await registerInstance(
    {
      context: {
        config,
        features,
        loggingDrivers: ['json-file', 'none'],
        taskCgroupsUsable: true,
        taskEniUsable: false,
        vlansUsable: false,
        faultsUsable: true,
      },
      machine: { cpus: 2, memoryMiB: 24_105, architecture: 'x86_64' },
      facts,
      gpuIds: [],
      saved: { kind: 'new' },
    },
    { api: client, imds, onIdentityUnavailable: () => undefined },
    { signal },
  );
  await client.close();
  expect(registration.availabilityZone).toBe('us-west-2a');
  const [request] = ecs.seen;
  if (request === undefined) throw new Error('nothing was registered');
  return { imds: imdsServer.seen, request, sent: JSON.parse(request.body) };
}

const namesIn = (list: unknown): string[] =>
  (Array.isArray(list) ? list : []).map((item: { name: string }) => item.name);

describe('the recorded registration', () => {
  it('asks the metadata service the same in the same order', async () => {
    const { imds } = await start(IMPLEMENTED_FEATURES);
    expect(imds.map(({ method, path }) => `${method} ${path}`)).toEqual(
      lookUps.map(({ method, path }) => `${method} ${path}`),
    );
  });

  it('has the same members, resources, document and signature', async () => {
    const { sent } = await start(IMPLEMENTED_FEATURES);
    expect(Object.keys(sent).sort()).toEqual(Object.keys(body).sort());
    const { attributes: _ours, clientToken, ...rest } = sent;
    const { attributes: _theirs, clientToken: _token, ...recordedRest } = body;
    expect(rest).toEqual(recordedRest);
    expect(clientToken).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('has the same headers in the same form', async () => {
    const { request } = await start(IMPLEMENTED_FEATURES);
    const theirs = call.headers ?? {};
    const ours = request.headers;
    expect(
      Object.keys(ours)
        .filter((name) => name !== 'connection')
        .sort(),
    ).toEqual(Object.keys(theirs).sort());
    const shape = (text: unknown) =>
      String(text)
        .replace(/^.* - v\S+ \(\S+\)/, 'PRODUCT')
        .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, 'UUID')
        .replace(/\d{8}T\d{6}Z/, 'TIME')
        .replace(/\/\d{8}\//, '/DAY/')
        .replace(/Signature=\S+/, 'Signature=');
    for (const name of Object.keys(theirs).filter((key) => key !== 'host' && key !== 'content-length'))
      expect([name, shape(ours[name])]).toEqual([name, shape(theirs[name])]);
  });

  it('has the recorded attributes of what is implemented, in the recorded order', async () => {
    // Claimed where the kernel has netem, and where a pause image is there: the recorded host had neither.
    const onThatHost = { faultInjection: false, pidAndIpcSharing: false };
    const { sent } = await start({ ...IMPLEMENTED_FEATURES, ...onThatHost });
    const ours = sent.attributes;
    const names = namesIn(ours);
    const theirs = (Array.isArray(body.attributes) ? body.attributes : []).filter((item: { name: string }) =>
      names.includes(item.name),
    );
    expect(ours).toEqual(theirs);
    expect(names.slice(-3)).toEqual(['ecs.os-type', 'ecs.os-family', 'ecs.os-type-detailed']);
  });

  it('has all recorded attributes in the recorded order once everything is implemented', async () => {
    const { sent } = await start(ALL_FEATURES);
    const names = namesIn(sent.attributes);
    const theirs = namesIn(body.attributes).filter((name) => !NEVER.includes(name));
    expect(names.filter((name) => theirs.includes(name))).toEqual(theirs);
    expect(names.filter((name) => !theirs.includes(name))).toEqual([
      'ecs.capability.pid-ipc-namespace-sharing',
      'ecs.capability.efsAuth',
      'ecs.capability.execute-command',
      'ecs.capability.service-connect-v1',
      'ecs.capability.storage.ebs-task-volume-attach',
      'ecs.capability.fault-injection',
    ]);
  });
});
