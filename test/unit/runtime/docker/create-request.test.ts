import { describe, expect, it } from 'vitest';
import { createRequest, neededContainers } from '../../../../src/runtime/docker/create-request.ts';
import type { CreateContainer } from '../../../../src/runtime/runtime.ts';
import { containerIdOf } from '../../../../src/task/ids.ts';
import { arnOf } from '../../store/sample-task.ts';

const REQUEST: CreateContainer = {
  id: containerIdOf(arnOf('t1'), 'app', 0),
  name: 'ecs-web-1-app-00',
  taskArn: arnOf('t1'),
  group: 't1',
  labels: {},
  image: 'busybox:1',
  environment: {},
  terminal: false,
  openStdin: false,
  readonlyRootfs: false,
  capabilitiesAdd: [],
  capabilitiesDrop: [],
  ulimits: [],
  sysctls: {},
  mounts: [],
  tmpfs: {},
  network: { kind: 'host' },
  limits: { cpuShares: 2 },
  stdio: { kind: 'null' },
};

const requestOf = (changes: Partial<CreateContainer>) => {
  const names = { owner: 'ecs', image: 'busybox:1', dockerIdOf: (id: string) => id };
  return createRequest({ ...REQUEST, ...changes }, names) as { HostConfig: object };
};
const hostConfigOf = (changes: Partial<CreateContainer>) => requestOf(changes).HostConfig;

describe('what dockerd is asked to make', () => {
  it("has the network of another container with that one's host name, which dockerd wants to be told of none", () => {
    const holder = containerIdOf(arnOf('t1'), 'holder', 0);
    const network = { kind: 'container', id: holder } as const;
    expect(neededContainers({ ...REQUEST, network })).toEqual([holder]);
    expect(hostConfigOf({ network })).toMatchObject({ NetworkMode: `container:${holder}` });
    expect(requestOf({ network, hostname: 'own' })).not.toHaveProperty('Hostname');
    expect(requestOf({ network: { kind: 'isolated' }, hostname: 'own' })).toHaveProperty('Hostname', 'own');
  });

  it('is run by the OCI runtime that is named, else by the usual one', () => {
    expect(hostConfigOf({ ociRuntime: 'nvidia' })).toHaveProperty('Runtime', 'nvidia');
    expect(hostConfigOf({})).not.toHaveProperty('Runtime');
  });
});
