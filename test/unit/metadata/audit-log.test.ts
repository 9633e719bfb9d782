import { expect, it } from 'vitest';
import { auditLine } from '../../../src/metadata/audit-log.ts';

const AT = new Date('2026-01-02T03:04:05.678Z');
const IDENTITY = {
  cluster: 'peer',
  containerInstanceArn: 'arn:aws:ecs:us-west-2:1:container-instance/peer/i',
};
const REQUEST = {
  status: 200,
  source: '10.1.2.3:4567',
  path: '/v2/credentials/0a1b',
  userAgent: 'aws-cli/2',
  taskArn: 'arn:aws:ecs:us-west-2:1:task/peer/t',
};

it('is ten fields for credentials that were given, without their id (TMDS-13, TMDS-14, TMDS-95)', () => {
  expect(auditLine({ ...REQUEST, roleType: 'TaskApplication' }, IDENTITY, AT)).toBe(
    '2026-01-02T03:04:05Z 200 10.1.2.3:4567 "/v2/credentials" "aws-cli/2" arn:aws:ecs:us-west-2:1:task/peer/t ' +
      'GetCredentials 2 peer arn:aws:ecs:us-west-2:1:container-instance/peer/i',
  );
});

it('names the execution role as such, and fills in for what is unknown', () => {
  expect(auditLine({ ...REQUEST, roleType: 'TaskExecution' }, { cluster: '' }, AT)).toMatch(
    / GetCredentialsExecutionRole 2 - -$/,
  );
});

it('ends with a space after the absent task for what was refused (TMDS-15, TMDS-96)', () => {
  const { taskArn: _, ...refused } = REQUEST;
  expect(auditLine({ ...refused, status: 400, path: '/v1/credentials' }, IDENTITY, AT)).toBe(
    '2026-01-02T03:04:05Z 400 10.1.2.3:4567 "/v1/credentials" "aws-cli/2" - ',
  );
});

it('is one line whatever the caller calls itself', () => {
  const line = auditLine({ ...REQUEST, userAgent: 'a\nb\r\u0000', path: '/x\ny' }, IDENTITY, AT);
  expect(line).not.toMatch(/[\n\r\0]/);
});
