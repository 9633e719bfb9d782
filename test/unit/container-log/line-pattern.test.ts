import { describe, expect, test } from 'vitest';
import {
  compileLinePattern,
  datetimePattern,
} from '../../../src/container-log/service/awslogs/line-pattern.ts';

describe('a datetime format', () => {
  test.each([
    ['%a', 'Mon', 'Mo'],
    ['%A', 'Wednesday', 'Wed'],
    ['^%w$', '6', '7'],
    ['^%d$', '31', '32'],
    ['%b', 'Sep', 'Sept'.slice(1)],
    ['%B', 'September', 'Sep'],
    ['^%m$', '12', '13'],
    ['^%Y$', '2026', '26'],
    ['^%y$', '26', '6'],
    ['^%H$', '23', '24'],
    ['^%I$', '12', '13'],
    ['%p', 'PM', 'XM'],
    ['^%M$', '59', '60'],
    ['^%S$', '00', '60'],
    ['^%f$', '123456', '12345'],
    ['^%z$', '+0130', '0130'],
    ['^%Z$', 'CEST', 'utc'],
    ['^%j$', '365', '367'],
    ['%L', '.123', '123'],
  ])('has the directive %s (LOG-67)', (format, matching, other) => {
    const pattern = compileLinePattern(datetimePattern(format));
    expect(pattern.test(matching)).toBe(true);
    expect(pattern.test(other)).toBe(false);
  });

  test('stays an expression in all other characters (LOG-152)', () => {
    const pattern = compileLinePattern(datetimePattern('^\\[%Y-%m-%d(T| )%H:%M'));
    expect(pattern.test('[2026-01-31 23:59:59] x')).toBe(true);
    expect(pattern.test('[2026-01-31T23:59:59] x')).toBe(true);
    expect(pattern.test('2026-01-31 23:59:59 x')).toBe(false);
  });

  test('loses a directive that is unknown (LOG-153)', () => {
    expect(datetimePattern('a%Qb%%c')).toBe('abc');
  });
});

describe('an expression of RE2', () => {
  test.each([
    ['(?i)error', 'an ERROR', 'eror'],
    ['(?s)a.b', 'a\nb', 'ab'],
    ['\\AStart\\z', 'Start', 'Start '],
    ['(?P<level>WARN|INFO) x', 'INFO x', 'DEBUG x'],
    ['\\Q[a.b]\\E', '[a.b]', 'axb'],
    ['^[[:digit:]]{4}-[[:upper:]]', '2026-A', '226-A'],
    ['(?i)^[a-c]{2}x', 'AbX', 'AdX'],
    ['^.{3,5}:', 'abcd:', 'ab:'],
    ['^(?:ab){2}$', 'abab', 'ab'],
    ['^x{2,}$', 'xxxx', 'x'],
    ['\\x41\\x{42}', 'AB', 'ab'],
    ['a{', 'a{', 'a'],
    ['^\\s*at ', '   at x', 'at'],
  ])('means the same: %s (LOG-68)', (source, matching, other) => {
    const pattern = compileLinePattern(source);
    expect(pattern.test(matching)).toBe(true);
    expect(pattern.test(other)).toBe(false);
  });

  test.each(['(?=x)', '(?!x)', '(?<=x)', '(?<!x)', '(a)\\1', '(?P<a>x)\\k<a>', '(', 'a{2000}', '[[:nope:]]'])(
    'is refused where it is none: %s (LOG-154)',
    (source) => {
      expect(() => compileLinePattern(source)).toThrow(/^error parsing regexp: /);
    },
  );

  test.each(['(a+)+$', '(a|a)*b', '(x+x+)+y', '(a?){30}a{30}$', '^(([a-z])+.)+[A-Z]$'])(
    'takes no time that grows faster than the line: %s (LOG-155)',
    (source) => {
      const pattern = compileLinePattern(source);
      const line = `${'a'.repeat(2_000)}!`;
      // Processor time: others may have the processor meanwhile.
      const before = process.threadCpuUsage();
      pattern.test(line);
      const { user, system } = process.threadCpuUsage(before);
      expect((user + system) / 1000).toBeLessThan(2_000);
    },
  );
});
