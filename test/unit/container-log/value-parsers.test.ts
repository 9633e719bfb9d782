import { describe, expect, test } from 'vitest';
import { parseJsonFileOptions } from '../../../src/container-log/service/json-file/json-file-options.ts';
import {
  parseGoBool,
  parseGoInt,
  parseHumanSize,
  parseRamSize,
} from '../../../src/container-log/value-parsers.ts';

describe('option values', () => {
  test('bool takes exactly the twelve forms of Go (LOG-35)', () => {
    for (const value of ['1', 't', 'T', 'TRUE', 'true', 'True']) expect(parseGoBool(value)).toBe(true);
    for (const value of ['0', 'f', 'F', 'FALSE', 'false', 'False']) expect(parseGoBool(value)).toBe(false);
    for (const value of ['', 'yes', 'no', 'tRUE', 'on', ' true', '2'])
      expect(() => parseGoBool(value)).toThrow('strconv.ParseBool: parsing');
  });

  test.each([
    ['10m', 10_000_000, 10_485_760],
    ['10 MB', 10_000_000, 10_485_760],
    ['1kib', 1000, 1024],
    ['1.5g', 1_500_000_000, 1_610_612_736],
    ['42', 42, 42],
    ['7b', 7, 7],
    ['0', 0, 0],
  ])('size %s is %i in thousands and %i in 1024s', (text, human, ram) => {
    expect(parseHumanSize(text)).toBe(human);
    expect(parseRamSize(text)).toBe(ram);
  });

  test.each(['', 'm', '-1', '1x', '1 2', '1..2', '10mm', 'ten'])('size %j is none', (text) => {
    expect(() => parseHumanSize(text)).toThrow(`invalid size: '${text}'`);
  });

  test('int', () => {
    expect(parseGoInt('-3')).toBe(-3);
    expect(() => parseGoInt('3.0')).toThrow('strconv.Atoi: parsing "3.0": invalid syntax');
    expect(() => parseGoInt('99999999999999999999')).toThrow('value out of range');
  });
});

describe('json-file options', () => {
  test('default to one file without a limit', () => {
    expect(parseJsonFileOptions({})).toEqual({
      maxBytes: Number.POSITIVE_INFINITY,
      maxFiles: 1,
      compress: false,
    });
  });

  test('are read', () => {
    expect(parseJsonFileOptions({ 'max-size': '1m', 'max-file': '3', compress: 'true' })).toEqual({
      maxBytes: 1_000_000,
      maxFiles: 3,
      compress: true,
    });
  });

  test.each([
    [{ 'max-size': '0' }, 'max-size must be a positive number'],
    [{ 'max-size': '-1' }, "invalid size: '-1'"],
    [{ 'max-file': '0' }, 'max-file cannot be less than 1'],
    [{ 'max-file': 'x' }, 'strconv.Atoi: parsing "x": invalid syntax'],
    [{ compress: 'maybe' }, 'strconv.ParseBool: parsing "maybe": invalid syntax'],
  ])('%j is refused: %s (LOG-42)', (options, message) => {
    expect(() => parseJsonFileOptions({ ...options } as Record<string, string>)).toThrow(message);
  });

  test.each([
    { compress: 'true' },
    { compress: 'true', 'max-file': '2' },
    { compress: 'true', 'max-size': '1m' },
    { compress: 'true', 'max-size': '1m', 'max-file': '1' },
  ])('%j is refused: nothing would ever be compressed (LOG-119)', (options) => {
    expect(() => parseJsonFileOptions({ ...options } as Record<string, string>)).toThrow(
      'compress cannot be true when max-file is less than 2 or max-size is not set',
    );
  });
});
