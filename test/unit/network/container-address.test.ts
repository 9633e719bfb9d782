import { expect, test } from 'vitest';
import { nextAddress } from '../../../src/network/bridge/container-address.ts';

const small = { subnet4: '192.168.16.0/29' };

test.each([
  ['of an empty subnet, after the bridge', [], undefined, '192.168.16.2'],
  ['that nobody has', ['192.168.16.2', '192.168.16.3'], undefined, '192.168.16.4'],
  ['after the last one, though earlier ones are free', [], '192.168.16.3', '192.168.16.4'],
  ['round the subnet, without its last, which is everybody', [], '192.168.16.6', '192.168.16.2'],
  ['that was given back, when no other is left', host(2, 3, 4, 6), '192.168.16.6', '192.168.16.5'],
  ['of this subnet, whatever the last of another was', [], '172.17.3.4', '192.168.16.2'],
])('the next address is the one %s (NET-113)', (_which, taken, last, address4) => {
  expect(nextAddress(small, new Set(taken), last)).toEqual({ address4 });
});

test('there is none when all are taken', () => {
  expect(nextAddress(small, new Set(host(2, 3, 4, 5, 6)))).toBeUndefined();
});

test('it counts beyond an octet, up to the end of the subnet', () => {
  const usual = { subnet4: '172.17.0.0/16' };
  expect(nextAddress(usual, new Set(), '172.17.0.255')).toEqual({ address4: '172.17.1.0' });
  expect(nextAddress(usual, new Set(), '172.17.255.253')).toEqual({ address4: '172.17.255.254' });
  expect(nextAddress(usual, new Set(), '172.17.255.254')).toEqual({ address4: '172.17.0.2' });
});

test('its IPv6 address has the same number, in the form that the kernel shows, and is free too', () => {
  const both = { subnet4: '172.17.0.0/16', subnet6: 'fd0a:0b1c:00aa::/64' };
  expect(nextAddress(both, new Set(), '172.17.18.51')).toEqual({
    address4: '172.17.18.52',
    address6: 'fd0a:b1c:aa::1234',
  });
  expect(nextAddress(both, new Set(['fd0a:b1c:aa::2']))?.address4).toBe('172.17.0.3');
});

function host(...numbers: readonly number[]): readonly string[] {
  return numbers.map((number) => `192.168.16.${number}`);
}
