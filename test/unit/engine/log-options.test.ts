import { describe, expect, test } from 'vitest';
import { logOptions, secretLogOptions } from '../../../src/engine/steps/log-options.ts';
import { NOTHING_FETCHED } from '../../../src/resource/task-secrets.ts';
import type { ContainerSpec, LogConfig, TaskSpec } from '../../../src/task/task-spec.ts';

const SETTINGS = { region: 'us-west-2', ipv6Only: false };

function options(
  log: LogConfig,
  more: {
    task?: Partial<TaskSpec>;
    settings?: Partial<typeof SETTINGS>;
  } = {},
) {
  const task = { executionCredentialsId: 'id-1', ...more.task } as TaskSpec;
  return logOptions(task, { log } as ContainerSpec, { ...SETTINGS, ...more.settings });
}

describe('options that the agent adds', () => {
  test('name the credentials of the execution role, whatever the driver (LOG-18, RES-97)', () => {
    expect(options({ driver: 'awslogs', useExecutionRole: true, options: { a: 'b' } })).toEqual({
      a: 'b',
      'awslogs-credentials-endpoint': '/v2/credentials/id-1',
    });
  });

  test('cannot name what the task has not (LOG-95)', () => {
    const log: LogConfig = { driver: 'awslogs', useExecutionRole: true, options: {} };
    expect(() => logOptions({} as TaskSpec, { log } as ContainerSpec, SETTINGS)).toThrow(
      expect.objectContaining({
        code: 'CannotCreateContainerError',
        message: 'No execution credentials set for the task',
      }),
    );
  });

  test.each([
    [{ mode: 'non-blocking' }, '10m'],
    [{ mode: 'non-blocking', 'max-buffer-size': '1m' }, '1m'],
  ])('give %j the buffer of %s (LOG-20, LOG-98, ENG-131)', (given: Record<string, string>, size) => {
    expect(options({ driver: 'splunk', options: given })['max-buffer-size']).toBe(size);
  });

  test.each([{ mode: 'blocking' }, {}])('give %j no buffer (LOG-99)', (given: Record<string, string>) => {
    expect(options({ driver: 'splunk', options: given })).not.toHaveProperty('max-buffer-size');
  });

  test.each([
    ['us-iso-east-1', 'https://logs.us-iso-east-1.c2s.ic.gov'],
    ['us-iso-west-1', 'https://logs.us-iso-west-1.c2s.ic.gov'],
    ['us-isob-east-1', 'https://logs.us-isob-east-1.sc2s.sgov.gov'],
    ['us-isob-west-1', 'https://logs.us-isob-west-1.sc2s.sgov.gov'],
    ['us-isof-east-1', 'https://logs.us-isof-east-1.csp.hci.ic.gov'],
    ['us-isof-south-1', 'https://logs.us-isof-south-1.csp.hci.ic.gov'],
    ['eu-isoe-west-1', 'https://logs.eu-isoe-west-1.cloud.adc-e.uk'],
    ['eusc-de-east-1', 'https://logs.eusc-de-east-1.amazonaws.eu'],
    ['us-west-2', undefined],
  ])('name the endpoint in %s (LOG-96, RES-98)', (region, endpoint) => {
    const log: LogConfig = { driver: 'awslogs', options: {} };
    expect(options(log, { settings: { region } })['awslogs-endpoint']).toBe(endpoint);
    expect(options({ ...log, driver: 'gelf' }, { settings: { region } })).toEqual({});
  });

  test('name the endpoint that has IPv6 where there is no IPv4, unless one is given (LOG-19, LOG-97)', () => {
    const of = (given: Record<string, string>) =>
      options({ driver: 'awslogs', options: given }, { settings: { ipv6Only: true } })['awslogs-endpoint'];
    expect(of({ 'awslogs-region': 'eu-west-1' })).toBe('https://logs.eu-west-1.api.aws');
    expect(of({ 'awslogs-region': 'eu-west-1', 'awslogs-endpoint': 'https://own' })).toBe('https://own');
    expect(of({})).toBeUndefined();
  });

  test('are secret where a value was fetched for a driver that is named', () => {
    const of = (driver: string) =>
      secretLogOptions({ log: { driver, options: {} } } as unknown as ContainerSpec, {
        ...NOTHING_FETCHED,
        logOptions: { 'splunk-token': 'b', 'splunk-index': '' },
      });
    expect(of('splunk')).toEqual({ 'splunk-token': 'b' });
    expect(of('')).toEqual({});
  });
});
