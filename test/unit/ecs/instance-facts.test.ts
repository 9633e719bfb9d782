import { describe, expect, it } from 'vitest';
import { configMetadata } from '../../../src/aws/config-metadata.ts';
import { agentCredentialSources } from '../../../src/aws/credential-sources.ts';
import { CredentialsCache } from '../../../src/aws/credentials-cache.ts';
import { createInstanceMetadata, MetadataUnavailableError } from '../../../src/aws/imds.ts';
import { isExternal, loadConfig } from '../../../src/config/load-config.ts';
import { readInstanceFacts } from '../../../src/ecs/instance-facts.ts';
import { AnsweringServer } from '../aws/answering-server.ts';

const signal = new AbortController().signal;

describe('facts of the instance', () => {
  it('are the VPC and subnet of the primary interface, zone id and outpost', async () => {
    const of = '/latest/meta-data/network/interfaces/macs/02:00';
    const texts: Record<string, string> = {
      '/latest/meta-data/instance-id': 'i-1\n',
      '/latest/meta-data/mac': '02:00',
      [`${of}/vpc-id`]: 'vpc-1',
      [`${of}/subnet-id`]: 'subnet-1',
      '/latest/meta-data/placement/availability-zone-id': 'usw2-az1',
      '/latest/meta-data/outpost-arn': 'arn:outpost',
    };
    expect(await readInstanceFacts({ get: async (path) => texts[path] }, { signal })).toEqual({
      instanceId: 'i-1',
      primaryMac: '02:00',
      vpcId: 'vpc-1',
      subnetId: 'subnet-1',
      availabilityZoneId: 'usw2-az1',
      outpostArn: 'arn:outpost',
    });
  });

  it('outside a VPC have neither VPC nor subnet', async () => {
    const get = async (path: string) => (path.endsWith('/mac') ? undefined : 'x');
    const facts = await readInstanceFacts({ get }, { signal });
    expect(facts).not.toHaveProperty('vpcId');
    expect(facts).not.toHaveProperty('subnetId');
  });

  it('are not asked for further once nothing answers at all', async () => {
    const asked: string[] = [];
    const get = async (path: string) => {
      asked.push(path);
      throw new MetadataUnavailableError('no answer', { reachable: false });
    };
    expect(await readInstanceFacts({ get }, { signal })).toEqual({});
    expect(asked).toHaveLength(1);
  });

  it('on ECS Anywhere are never asked for, nor is anything else of the metadata service (ECS-58)', async () => {
    await using imdsServer = await AnsweringServer.start(
      (_request, _count, response) => void response.end('x'),
    );
    const env = {
      ECS_EXTERNAL: 'true',
      AWS_DEFAULT_REGION: 'us-west-2',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: imdsServer.url,
    };
    const readFile = async () => undefined;
    const imds = createInstanceMetadata(env, isExternal(env));
    const { config } = await loadConfig({ env, readFile, imds: configMetadata(imds) });
    expect(await readInstanceFacts(imds, { signal })).toEqual({});
    const credentials = new CredentialsCache(
      agentCredentialSources({ external: config.external, profile: 'default', env, readFile, imds }),
    );
    await expect(credentials.get()).rejects.toThrow('no AWS credentials');
    expect(imdsServer.seen).toEqual([]);
  });
});
