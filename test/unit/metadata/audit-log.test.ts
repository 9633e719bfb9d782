import { readdirSync } from 'node:fs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { openAuditLog } from '../../../src/agent-task-api.ts';
import { auditLine } from '../../../src/metadata/audit-log.ts';
import { makeScratch } from '../../support/scratch.ts';
import { configOf } from '../config/config-world.ts';

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

describe('the audit log', () => {
  it.each([
    ['is a file', {}, ['audit.log']],
    ['is none where it is switched off (TMDS-16)', { ECS_AUDIT_LOGFILE_DISABLED: 'true' }, []],
  ])('%s', async (_, env, files) => {
    await using scratch = makeScratch();
    const config = await configOf({ env: { ECS_AUDIT_LOGFILE: scratch.path('audit.log'), ...env } });
    const log = await openAuditLog(config, pino({ level: 'silent' }));
    log?.write('a line\n');
    await log?.end();
    expect(readdirSync(scratch.directory)).toEqual(files);
  });
});
