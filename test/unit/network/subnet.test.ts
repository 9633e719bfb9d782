import { expect, test } from 'vitest';
import { bridgeMac, bridgeNames } from '../../../src/network/bridge/bridge-names.ts';
import { firstFreeSubnet, uniqueLocalSubnet } from '../../../src/network/bridge/subnet.ts';
import { containerIdOf, taskArn } from '../../../src/task/ids.ts';

test.each([
  [[], '172.17.0.0/16'],
  [['172.17.0.1/16'], '172.18.0.0/16'],
  [['172.17.200.9'], '172.18.0.0/16'],
  [['172.17.5.0/24', '172.18.0.0/15'], '172.20.0.0/16'],
  [['172.16.0.0/12'], '192.168.0.0/20'],
  [['172.16.0.0/12', '192.168.0.1/24'], '192.168.16.0/20'],
  [['0.0.0.0/0', '10.0.0.0/8', 'default', 'fe80::/64'], '172.17.0.0/16'],
  [['172.16.0.0/12', '192.168.0.0/16'], undefined],
])('beside %j the bridge gets %s', (taken, subnet) => {
  expect(firstFreeSubnet(taken)).toBe(subnet);
});

test('the IPv6 subnet is a unique local one and always the same for machine and namespace', () => {
  const subnet = uniqueLocalSubnet('machine', 'ecs');
  expect(subnet).toMatch(/^fd[0-9a-f]{2}:[0-9a-f]{4}:[0-9a-f]{4}::\/64$/);
  expect(uniqueLocalSubnet('machine', 'ecs')).toBe(subnet);
  expect(uniqueLocalSubnet('machine', 'other')).not.toBe(subnet);
});

test('names are the documented ones for ecs, and others that fit for any other namespace', () => {
  const id = containerIdOf(taskArn('arn'), 'app', 0);
  const usual = bridgeNames('ecs');
  expect([usual.bridge, usual.table, usual.netns(id)]).toEqual(['ecs0', 'ecs_bridge', `ecs-${id}`]);
  const other = bridgeNames(`${'x'.repeat(70)}.y`);
  expect(other.bridge.length).toBeLessThanOrEqual(15);
  expect(other.bridge).not.toBe(bridgeNames('y').bridge);
  expect(other.containerOf(other.netns(id))).toBe(id);
});

test('a namespace is told apart from one whose name begins alike, and from those of others', () => {
  const id = containerIdOf(taskArn('arn'), 'app', 0);
  const { containerOf } = bridgeNames('ecs');
  expect([`ecs-two-${id}`, `ecsx${id}`, 'ecs-', 'cni-1234', `ecs-${id}0`].map(containerOf)).toEqual(
    Array(5).fill(undefined),
  );
});

test('the address of the bridge is local and always the same', () => {
  expect(bridgeMac('ecs')).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  expect(bridgeMac('ecs')).toBe(bridgeMac('ecs'));
  expect(bridgeMac('ecs')).not.toBe(bridgeMac('two'));
});
