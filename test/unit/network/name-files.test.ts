import { expect, it } from 'vitest';
import { hostsFile } from '../../../src/network/name-files.ts';

it('names linked containers after the extra hosts and before the container itself', () => {
  const file = hostsFile({
    ipv6: false,
    extraHosts: [{ host: 'store', address: '10.0.0.3' }],
    links: [{ address: '172.17.0.2', names: ['db', '0123456789ab', 'ecs-fam-1-db-00'] }],
    self: { address: '172.17.0.3', hostname: 'web.example.com' },
  });
  expect(file.split('\n')).toEqual([
    '127.0.0.1\tlocalhost',
    '10.0.0.3\tstore',
    '172.17.0.2\tdb 0123456789ab ecs-fam-1-db-00',
    '172.17.0.3\tweb.example.com web',
    '',
  ]);
});
