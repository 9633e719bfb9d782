import { expect, test } from 'vitest';
import { submitBody } from '../../../src/ecs/report-body.ts';
import { taskArn } from '../../../src/task/ids.ts';
import type { PortBinding } from '../../../src/task/port-mapping.ts';

const sent = (portBindings?: readonly PortBinding[]) =>
  submitBody(
    {
      task: taskArn('arn'),
      status: 'RUNNING',
      reason: '',
      containers: [{ containerName: 'app', status: 'RUNNING', ...(portBindings && { portBindings }) }],
    },
    'c',
  ).containers?.[0];

test('a port and a range are told as ECS knows them (ECS-46, NET-69)', () => {
  expect(
    sent([
      { bindIp: '0.0.0.0', protocol: 'udp', containerPort: 53, hostPort: 32_769 },
      { bindIp: '0.0.0.0', protocol: 'tcp', containerPort: 7000, hostPort: 32_770, rangeLength: 5 },
    ])?.networkBindings,
  ).toEqual([
    { bindIP: '0.0.0.0', containerPort: 53, hostPort: 32_769, protocol: 'udp' },
    { bindIP: '0.0.0.0', containerPortRange: '7000-7004', hostPortRange: '32770-32774', protocol: 'tcp' },
  ]);
});

test('without published ports the member is left out (OBS-93)', () => {
  expect(sent()).not.toHaveProperty('networkBindings');
});
