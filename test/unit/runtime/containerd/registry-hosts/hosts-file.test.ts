import { describe, expect, it } from 'vitest';
import {
  parseHostsFile,
  withCertificates,
} from '../../../../../src/runtime/containerd/registry-hosts/hosts-file.ts';

const DIRECTORY = '/certs/docker.io';
const parse = (text: string, host = 'docker.io') => parseHostsFile(text, DIRECTORY, host);

describe('a hosts.toml', () => {
  it('names mirrors in its order, and the registry itself after them', () => {
    const endpoints = parse(`
      [host."https://second.example:5000"]
      [host."https://first.example"]
    `);
    expect(endpoints.map(({ address, isMirror }) => [address, isMirror])).toEqual([
      ['second.example:5000', true],
      ['first.example', true],
      ['registry-1.docker.io', false],
    ]);
  });

  it('may name another server than the registry to be asked last', () => {
    const [only] = parse('server = "https://cache.example"\nskip_verify = true');
    expect(only).toMatchObject({ address: 'cache.example', scheme: 'https', isMirror: true });
    expect(only?.tls).toEqual({ caFiles: [], clientPairs: [], skipVerify: true });
  });

  it.each([
    ['https://m.example', '', '/v2'],
    ['m.example', '', '/v2'],
    ['http://m.example/', '', '/v2'],
    ['https://m.example/v2/', '', '/v2'],
    ['https://m.example/hub', '', '/hub/v2'],
    ['https://m.example/v2/hub', '', '/v2/hub/v2'],
    ['https://m.example/v2/hub', 'override_path = true', '/v2/hub'],
    ['https://m.example', 'override_path = true', ''],
  ])('%s %s is asked below %s', (url, setting, path) => {
    expect(parse(`[host."${url}"]\n${setting}`)[0]?.path).toBe(path);
  });

  it.each([
    ['', ['pull', 'resolve']],
    ['capabilities = []', ['pull', 'resolve']],
    ['capabilities = ["pull"]', ['pull']],
    ['capabilities = ["Resolve", "push", "referrers"]', ['resolve']],
    ['capabilities = ["push"]', []],
  ])('with "%s" lets a host %j', (setting, capabilities) => {
    expect([...(parse(`[host."https://m.example"]\n${setting}`)[0]?.capabilities ?? [])]).toEqual(
      capabilities,
    );
  });

  it('names files beside it, in every form that containerd takes', () => {
    const tlsOf = (settings: string) => parse(`[host."https://m.example"]\n${settings}`)[0]?.tls;
    expect(tlsOf('ca = "own.pem"')?.caFiles).toEqual([`${DIRECTORY}/own.pem`]);
    expect(tlsOf('ca = ["own.pem", "/etc/ssl/other.pem"]')?.caFiles).toEqual([
      `${DIRECTORY}/own.pem`,
      '/etc/ssl/other.pem',
    ]);
    const both = { certFile: `${DIRECTORY}/me.pem`, keyFile: `${DIRECTORY}/me.pem` };
    expect(tlsOf('client = "me.pem"')?.clientPairs).toEqual([both]);
    expect(tlsOf('client = ["me.pem", ["a.cert", "/keys/a.key"]]')?.clientPairs).toEqual([
      both,
      { certFile: `${DIRECTORY}/a.cert`, keyFile: '/keys/a.key' },
    ]);
    expect(tlsOf('')).toBeUndefined();
  });

  it('gives headers to a host of its own', () => {
    const [mirror, registry] = parse(`
      [host."https://m.example".header]
        x-team = "a"
        x-many = ["b", "c"]
    `);
    expect(mirror?.headers).toEqual({ 'x-team': 'a', 'x-many': 'b, c' });
    expect(registry?.headers).toEqual({});
  });

  it('says of the root what holds for the registry itself', () => {
    const [registry] = parse('ca = "own.pem"\ncapabilities = ["push"]', '127.0.0.1:5000');
    expect(registry).toMatchObject({
      address: '127.0.0.1:5000',
      scheme: 'either',
      isMirror: false,
      capabilities: new Set(['pull', 'resolve']),
      tls: { caFiles: [`${DIRECTORY}/own.pem`] },
    });
  });

  it('that names the registry itself by its address does not make a mirror of it', () => {
    expect(parse('[host."https://registry-1.docker.io"]')[0]?.isMirror).toBe(false);
    expect(parse('[host."https://r.example:444"]', 'r.example')[0]?.isMirror).toBe(true);
  });

  it.each(['[host', 'server = 5', '[host."https://m.example"]\nca = 1', '[host."https://"]'])(
    'is refused when it is %j',
    (text) => {
      expect(() => parse(text)).toThrow();
    },
  );
});

it('takes the certificates that lie in a directory, as Docker has them', () => {
  const names = ['b.crt', 'a.cert', 'a.key', 'alone.cert', 'readme'];
  expect(withCertificates(names, '/certs/r', 'r.example')[0]).toMatchObject({
    address: 'r.example',
    tls: {
      caFiles: ['/certs/r/b.crt'],
      clientPairs: [
        { certFile: '/certs/r/a.cert', keyFile: '/certs/r/a.key' },
        { certFile: '/certs/r/alone.cert', keyFile: '/certs/r/alone.cert' },
      ],
    },
  });
  expect(withCertificates(['readme'], '/certs/r', 'r.example')[0]?.tls).toBeUndefined();
});
