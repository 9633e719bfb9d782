import { describe, expect, it } from 'vitest';
import { linkEnvironment, linkProblem, parseLink } from '../../../src/task/links.ts';
import { containerSpec, taskSpec } from './task-story.ts';

const LINK = { containerName: 'db', alias: 'my-db' };
const target = (ports: readonly { port: number; protocol: 'tcp' | 'udp' }[]) => ({
  ipv4: '172.17.0.2',
  ports,
  environment: { COLOUR: 'red', HOME: '/root', PATH: '/bin' },
});
const tcp = (port: number) => ({ port, protocol: 'tcp' }) as const;

describe('a link', () => {
  it.each([
    ['db', { containerName: 'db', alias: 'db' }],
    ['db:my-db', LINK],
    ['db:a:b', undefined],
    [':a', undefined],
  ])('is read from %s', (text, link) => {
    expect(parseLink(text)).toEqual(link);
  });

  it('gives the variables of Docker, and of the target all but HOME and PATH (RES-116, NET-76)', () => {
    expect(linkEnvironment(LINK, 'ecs-f-1-app-0', target([tcp(81), { port: 53, protocol: 'udp' }]))).toEqual({
      MY_DB_PORT: 'tcp://172.17.0.2:81',
      MY_DB_PORT_81_TCP: 'tcp://172.17.0.2:81',
      MY_DB_PORT_81_TCP_ADDR: '172.17.0.2',
      MY_DB_PORT_81_TCP_PORT: '81',
      MY_DB_PORT_81_TCP_PROTO: 'tcp',
      MY_DB_PORT_53_UDP: 'udp://172.17.0.2:53',
      MY_DB_PORT_53_UDP_ADDR: '172.17.0.2',
      MY_DB_PORT_53_UDP_PORT: '53',
      MY_DB_PORT_53_UDP_PROTO: 'udp',
      MY_DB_NAME: '/ecs-f-1-app-0/my-db',
      MY_DB_ENV_COLOUR: 'red',
    });
  });

  it('names the ends of runs of ports', () => {
    const variables = linkEnvironment(LINK, 'x', target([tcp(8081), tcp(8080), tcp(8080), tcp(9)]));
    expect(variables).toMatchObject({
      MY_DB_PORT: 'tcp://172.17.0.2:9',
      MY_DB_PORT_8080_TCP_START: 'tcp://172.17.0.2:8080',
      MY_DB_PORT_8080_TCP_PORT_START: '8080',
      MY_DB_PORT_8080_TCP_END: 'tcp://172.17.0.2:8081',
      MY_DB_PORT_8080_TCP_PORT_END: '8081',
    });
    expect(Object.keys(variables).filter((name) => name.includes('_9_TCP_START'))).toEqual([]);
  });

  it.each([
    [['db:a:b'], 'bridge', 'invalid link format "db:a:b" of container "app"'],
    [['cache'], 'bridge', 'could not find container for link cache of container "app"'],
    [['db'], 'host', 'only network mode bridge has'],
    [['db:x'], 'bridge', undefined],
  ] as const)('%j in %s mode: %s', (links, networkMode, problem) => {
    const spec = taskSpec([containerSpec('app', { links }), containerSpec('db')], { networkMode });
    if (problem === undefined) expect(linkProblem(spec)).toBeUndefined();
    else expect(linkProblem(spec)).toContain(problem);
  });
});
