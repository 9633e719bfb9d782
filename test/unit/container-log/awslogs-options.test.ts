import { describe, expect, test } from 'vitest';
import { parseAwslogsOptions } from '../../../src/container-log/service/awslogs/awslogs-options.ts';

const GROUP = { 'awslogs-group': 'g' };

function failure(options: Readonly<Record<string, string>>): string {
  try {
    parseAwslogsOptions(options);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

describe('options of awslogs', () => {
  test('need a group (LOG-55)', () => {
    expect(failure({})).toBe("must specify a value for log opt 'awslogs-group'");
    expect(failure({ 'awslogs-group': '' })).toBe("must specify a value for log opt 'awslogs-group'");
  });

  test('have one way to find events only (LOG-138)', () => {
    expect(failure({ ...GROUP, 'awslogs-datetime-format': '', 'awslogs-multiline-pattern': '' })).toBe(
      "you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time",
    );
  });

  test.each([
    ['awslogs-force-flush-interval-seconds', '0'],
    ['awslogs-force-flush-interval-seconds', 'x'],
    ['awslogs-max-buffered-events', '-1'],
    ['awslogs-max-buffered-events', '1.5'],
  ])('take positive integers only: %s=%s (LOG-139)', (name, value) => {
    expect(failure({ ...GROUP, [name]: value })).toBe(
      `must specify a positive integer for log opt '${name}': ${value}`,
    );
  });

  test('have no multi-line events of json/emf (LOG-140)', () => {
    expect(failure({ ...GROUP, 'awslogs-format': 'json/emf', 'awslogs-multiline-pattern': 'x' })).toBe(
      "you cannot configure log opt 'awslogs-datetime-format' or 'awslogs-multiline-pattern' when log opt 'awslogs-format' is set to 'json/emf'",
    );
    expect(failure({ ...GROUP, 'awslogs-format': 'xml' })).toBe("unsupported log format 'xml'");
  });

  test('name the option whose value is none', () => {
    expect(failure({ ...GROUP, 'awslogs-create-group': 'yes' })).toBe(
      `must specify valid value for log opt 'awslogs-create-group': strconv.ParseBool: parsing "yes": invalid syntax`,
    );
    expect(failure({ ...GROUP, 'awslogs-multiline-pattern': '(' })).toMatch(
      /^awslogs could not parse multiline pattern key "\(": error parsing regexp/,
    );
    expect(failure({ ...GROUP, 'awslogs-credentials-endpoint': '/other' })).toContain(
      'awslogs-credentials-endpoint',
    );
  });

  test('name the execution role by the path of its credentials', () => {
    expect(
      parseAwslogsOptions({ ...GROUP, 'awslogs-credentials-endpoint': '/v2/credentials/a-1' }),
    ).toMatchObject({
      credentialsId: 'a-1',
      createStream: true,
      createGroup: false,
      flushIntervalMs: 5_000,
    });
  });
});
