import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseRegistryAuth } from '../../../src/image/registry-auth.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const docker = (data: object) => parseRegistryAuth('docker', JSON.stringify(data));
const dockercfg = (data: object) => parseRegistryAuth(' dockercfg ', JSON.stringify(data));
const user = (username: string) => ({ username, password: `${username}-secret` });

describe('static registry credentials', () => {
  it('are read in both shapes', () => {
    const entry = { ...user('ann'), email: 'ann@example.com' };
    expect(docker({ 'https://a.example': entry }).auth.credentialsFor('a.example/app:1')).toEqual(
      user('ann'),
    );
    const { auth } = dockercfg({ 'http://a.example': { auth: base64('ann:pass:with:colons') } });
    expect(auth.credentialsFor('a.example/app')).toEqual({ username: 'ann', password: 'pass:with:colons' });
  });

  it('without a colon after decoding are skipped with a warning, the others stay (CFG-48)', () => {
    const { auth, warnings } = dockercfg({
      'a.example': { auth: base64('nocolon') },
      'b.example': { auth: base64('ann:secret') },
      'c.example': { password: 'x' },
    });
    expect(auth.credentialsFor('a.example/app')).toBeUndefined();
    expect(auth.credentialsFor('b.example/app')).toEqual({ username: 'ann', password: 'secret' });
    expect(warnings).toEqual([
      expect.stringContaining('entry 1 has no usable credentials'),
      expect.stringContaining('entry 3 has no usable credentials'),
    ]);
  });

  it.each([
    ['busybox'],
    ['user/app:1'],
    ['docker.io/user/app'],
    ['index.docker.io/user/app'],
    ['registry-1.docker.io/user/app'],
  ])('of Docker Hub serve %s, and are kept under one key (CFG-49)', (image) => {
    const { auth } = docker({
      'https://index.docker.io/v1/': user('hub'),
      'docker.io': user('other'),
      'a.example': user('ann'),
    });
    expect(auth.credentialsFor(image)).toEqual(user('hub'));
  });

  it('are those of the longest key that begins the reference (CFG-50)', () => {
    const { auth } = docker({
      'a.example:5000': user('host'),
      'a.example:5000/team': user('team'),
      'a.example:5000/team/app': user('app'),
      'a.example:5000/team/app/v1/': user('never'),
      'b.example/team': user('elsewhere'),
    });
    const nameFor = (image: string) => auth.credentialsFor(image)?.username;
    expect(nameFor('a.example:5000/other')).toBe('host');
    expect(nameFor('a.example:5000/team/tool:1')).toBe('team');
    expect(nameFor('a.example:5000/team/app:1')).toBe('app');
    expect(nameFor('b.example/other')).toBeUndefined();
    expect(nameFor('b.example/team/x')).toBe('elsewhere');
    expect(nameFor('a.example/team/app')).toBeUndefined();
    expect(nameFor('user/app')).toBeUndefined();
  });

  it.each([
    ['', '{"a.example":{}}', 0],
    ['kerberos', '{}', 1],
    ['docker', '', 1],
    ['docker', 'not json with hunter2', 1],
    ['docker', '["hunter2"]', 1],
  ])('of type "%s" with data %s are none, with %i warnings', (type, data, count) => {
    const { auth, warnings } = parseRegistryAuth(type, data);
    expect(auth.credentialsFor('a.example/app')).toBeUndefined();
    expect(warnings).toHaveLength(count);
    expect(warnings.join()).not.toContain('hunter2');
  });

  it('show in no log line: neither in warnings nor in what is printed of them (CFG-47)', () => {
    const parsed = [
      docker({
        'a.example': { username: 'hunter1', password: 'hunter2' },
        'hunter3.example': { auth: 'hunter2' },
      }),
      dockercfg({
        'hunter3.example': { auth: base64('hunter2') },
        'a.example': { auth: base64('hunter1:hunter2') },
      }),
    ];
    for (const each of parsed) {
      expect(each.auth.credentialsFor('a.example/x')?.password).toBe('hunter2');
      for (const shown of [
        JSON.stringify(each),
        inspect(each, { depth: 9, showHidden: true }),
        each.warnings.join(),
      ]) {
        expect(shown).not.toMatch(/hunter/);
      }
    }
  });
});
