import { describe, expect, it } from 'vitest';
import { resolveUser } from '../../../../../src/runtime/containerd/oci/user.ts';

const PASSWD = [
  'root:x:0:0:root:/root:/bin/sh',
  '# a comment',
  'app:x:1000:2000:App:/home/app:/bin/sh',
  'nohome:x:1001:1001::',
  '4000:x:4001:4001:a name of digits:/four:/bin/sh',
  'broken:x',
  '',
].join('\n');
const GROUP = [
  'root:x:0:root',
  'wheel:x:10:root,app',
  'app:x:2000:',
  'extra:x:3000:app , other',
  '5000:x:5001:',
].join('\n');

describe('container users', () => {
  it.each([
    ['', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
    ['root', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
    ['app', { uid: 1000, gid: 2000, additionalGids: [2000, 10, 3000], home: '/home/app' }],
    ['1000', { uid: 1000, gid: 2000, additionalGids: [2000, 10, 3000], home: '/home/app' }],
    ['app:', { uid: 1000, gid: 2000, additionalGids: [2000, 10, 3000], home: '/home/app' }],
    ['app:wheel', { uid: 1000, gid: 10, additionalGids: [10], home: '/home/app' }],
    ['app:77', { uid: 1000, gid: 77, additionalGids: [77], home: '/home/app' }],
    ['1234', { uid: 1234, gid: 0, additionalGids: [0], home: '/' }],
    ['1234:3000', { uid: 1234, gid: 3000, additionalGids: [3000], home: '/' }],
    ['nohome', { uid: 1001, gid: 1001, additionalGids: [1001], home: '/' }],
    ['4000', { uid: 4001, gid: 4001, additionalGids: [4001], home: '/four' }],
    ['app:5000', { uid: 1000, gid: 5001, additionalGids: [5001], home: '/home/app' }],
    [':wheel', { uid: 0, gid: 10, additionalGids: [10], home: '/root' }],
  ])('"%s" is %o (CTD-61)', (wanted, user) => {
    expect(resolveUser(wanted, PASSWD, GROUP)).toEqual(user);
  });

  it('can be root or numbers in an image without passwd and group', () => {
    expect(resolveUser('', '', '')).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: '/' });
    expect(resolveUser('12:34', '', '')).toEqual({ uid: 12, gid: 34, additionalGids: [34], home: '/' });
  });

  it.each([
    ['nobody', /unable to find user nobody: no matching entries in passwd file/],
    ['app:nogroup', /unable to find group nogroup: no matching entries in group file/],
    ['9999999999', /unable to find user 9999999999/],
    ['-1', /unable to find user -1/],
  ])('"%s" is refused with its name', (wanted, text) => {
    expect(() => resolveUser(wanted, PASSWD, GROUP)).toThrow(text);
  });
});
