import { describe, expect, it } from 'vitest';
import { InvalidReferenceError, isDigest, parseReference } from '../../../src/image/reference.ts';

const HEX = '0123456789abcdef'.repeat(4);
const DIGEST = `sha256:${HEX}`;

describe('parseReference', () => {
  it.each([
    ['busybox', 'docker.io', 'library/busybox', 'latest', 'docker.io/library/busybox:latest'],
    ['busybox:1.36', 'docker.io', 'library/busybox', '1.36', 'docker.io/library/busybox:1.36'],
    ['user/app', 'docker.io', 'user/app', 'latest', 'docker.io/user/app:latest'],
    ['docker.io/busybox', 'docker.io', 'library/busybox', 'latest', 'docker.io/library/busybox:latest'],
    ['index.docker.io/user/app:2', 'docker.io', 'user/app', '2', 'docker.io/user/app:2'],
    ['registry-1.docker.io/app', 'docker.io', 'library/app', 'latest', 'docker.io/library/app:latest'],
    ['localhost/app', 'localhost', 'app', 'latest', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000', 'app', 'latest', 'localhost:5000/app:latest'],
    ['host:5000/a/b:tag', 'host:5000', 'a/b', 'tag', 'host:5000/a/b:tag'],
    ['[::1]:5000/app:1', '[::1]:5000', 'app', '1', '[::1]:5000/app:1'],
    ['Upper/app', 'Upper', 'app', 'latest', 'Upper/app:latest'],
    ['ghcr.io/a__b/c-d.e:V1.0-rc_1', 'ghcr.io', 'a__b/c-d.e', 'V1.0-rc_1', 'ghcr.io/a__b/c-d.e:V1.0-rc_1'],
    [
      '123456789012.dkr.ecr.us-west-2.amazonaws.com/team/app:7',
      '123456789012.dkr.ecr.us-west-2.amazonaws.com',
      'team/app',
      '7',
      '123456789012.dkr.ecr.us-west-2.amazonaws.com/team/app:7',
    ],
  ])('reads %s', (text, host, repository, tag, canonical) => {
    expect(parseReference(text)).toEqual({ host, repository, tag, canonical });
  });

  it.each([
    [`busybox@${DIGEST}`, undefined, `docker.io/library/busybox@${DIGEST}`],
    [`host:5000/a/b:tag@${DIGEST}`, 'tag', `host:5000/a/b@${DIGEST}`],
  ])('names %s by its digest', (text, tag, canonical) => {
    expect(parseReference(text)).toMatchObject({ ...(tag && { tag }), digest: DIGEST, canonical });
  });

  it.each(['busybox', 'user/app:1', `a.b/c:1@${DIGEST}`, 'localhost:1/x'])(
    'leaves the name of %s as it is',
    (text) => {
      const { canonical } = parseReference(text);
      expect(parseReference(canonical).canonical).toBe(canonical);
    },
  );

  it.each([
    ['', 'empty'],
    ['a b', 'blank'],
    ['https://host/app', 'scheme'],
    ['host.io/App', 'lower case'],
    ['app:', 'tag'],
    ['app:-1', 'tag'],
    [`app:${'t'.repeat(129)}`, 'tag'],
    ['app@sha256:1234', 'digest'],
    [`app@md5:${HEX}`, 'digest'],
    [`@${DIGEST}`, 'no repository'],
    ['host.io/', 'no repository'],
    ['a//b', 'no part'],
    ['a/-b', 'no part'],
    ['a.-b/c', 'no registry host'],
    [HEX, 'image id'],
    [`host.io/${'a'.repeat(250)}`, 'longer than 255'],
  ])('refuses "%s"', (text, problem) => {
    const parse = () => parseReference(text);
    expect(parse).toThrow(InvalidReferenceError);
    expect(parse).toThrow(problem === 'no registry host' ? 'is not a registry host' : problem);
  });
});

it('isDigest knows the algorithms that registries use', () => {
  expect(isDigest(DIGEST)).toBe(true);
  expect(isDigest(`sha512:${HEX}${HEX}`)).toBe(true);
  expect(isDigest(`sha512:${HEX}`)).toBe(false);
  expect(isDigest(DIGEST.toUpperCase())).toBe(false);
  expect(isDigest(`${DIGEST}:x`)).toBe(false);
});
