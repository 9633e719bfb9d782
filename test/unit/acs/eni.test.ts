import { describe, expect, it } from 'vitest';
import { eniProblem, parseEni } from '../../../src/acs/eni.ts';

const V4 = {
  ec2Id: 'eni-1',
  macAddress: '02:1f:aa:bb:cc:dd',
  ipv4Addresses: [{ primary: true, privateAddress: '10.0.12.34' }],
  subnetGatewayIpv4Address: '10.0.12.1/24',
};
const V6 = {
  ec2Id: 'eni-1',
  macAddress: '02:1f:aa:bb:cc:dd',
  ipv6Addresses: [{ primary: true, address: '2001:db8::7' }],
  subnetGatewayIpv6Address: '2001:db8::1/64',
};
const BAD_VLANS = ['', '0', '4095', 'seven', '7 '].map((vlanId) => ({
  vlanId,
  trunkInterfaceMacAddress: '02:00:00:00:00:01',
}));
const VLAN = { vlanId: '7', trunkInterfaceMacAddress: '02:00:00:00:00:0A' };

describe('an ENI that ACS describes', () => {
  it('is good with IPv4, with both, and for a vlan', () => {
    expect(eniProblem(V4)).toBeUndefined();
    expect(eniProblem({ ...V6, ...V4 })).toBeUndefined();
    expect(eniProblem({ ...V4, interfaceAssociationProtocol: 'default' })).toBeUndefined();
    expect(
      eniProblem({ ...V4, interfaceAssociationProtocol: 'vlan', interfaceVlanProperties: VLAN }),
    ).toBeUndefined();
  });

  it('needs no IPv4 data when it has IPv6 alone (ACS-91)', () => {
    expect(eniProblem(V6)).toBeUndefined();
    expect(eniProblem({ ...V6, ipv4Addresses: [] })).toBeUndefined();
  });

  it.each([undefined, '', '2001:db8::1', '2001:db8::1/', '2001:db8::1/129', '10.0.0.1/24'])(
    'with IPv6 alone is bad with gateway %j (ACS-64, NET-98)',
    (subnetGatewayIpv6Address) => {
      expect(eniProblem({ ...V6, subnetGatewayIpv6Address })).toMatch('subnetGatewayIpv6Address');
    },
  );

  it.each([undefined, null, { vlanId: '7' }, { trunkInterfaceMacAddress: '02' }, ...BAD_VLANS])(
    'of a vlan is bad with properties %j (ACS-63)',
    (interfaceVlanProperties) => {
      const eni = { ...V4, interfaceAssociationProtocol: 'vlan', interfaceVlanProperties };
      expect(eniProblem(eni)).toMatch(/vlanId|trunkInterfaceMacAddress/);
    },
  );

  it.each([
    [{}, undefined],
    [{ interfaceAssociationProtocol: 'default', interfaceVlanProperties: VLAN }, undefined],
    [
      { interfaceAssociationProtocol: 'vlan', interfaceVlanProperties: VLAN },
      { vlanId: 7, trunkMacAddress: '02:00:00:00:00:0a' },
    ],
  ])('with %j has the branch %j', (changes, branch) => {
    expect(parseEni({ ...V4, ...changes }).branch).toEqual(branch);
  });

  it.each([
    ['null', null],
    ['no ec2Id', { ...V4, ec2Id: undefined }],
    ['no MAC address', { ...V4, macAddress: null }],
    ['no address', { ...V4, ipv4Addresses: [] }],
    ['no gateway', { ...V4, subnetGatewayIpv4Address: undefined }],
    ['a gateway without length', { ...V4, subnetGatewayIpv4Address: '10.0.12.1' }],
    ['a gateway with two slashes', { ...V4, subnetGatewayIpv4Address: '10.0.12.1/24/24' }],
    ['an unknown association protocol', { ...V4, interfaceAssociationProtocol: 'tunnel' }],
  ])('is bad with %s', (_, eni) => {
    expect(eniProblem(eni)).toEqual(expect.any(String));
  });
});
