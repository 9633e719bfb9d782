import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAgentMessage, parseFrame, tcsTime } from '../../../src/wire/tcs.ts';
import { parseAgentFrame } from '../../../src/wire/tcs-agent.ts';

describe('TCS frames', () => {
  it('of the server are read whatever they hold (TCS-38)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(['message', 'unknown', 'error', 'malformed']).toContain(parseFrame(text).kind);
        parseAgentFrame(text);
      }),
      { numRuns: 1_000 },
    );
  });

  it('of the recorded agent all parse and keep every member', () => {
    const golden = new URL('../../golden/', import.meta.url);
    const recorded = readdirSync(golden)
      .filter((name) => name.endsWith('.jsonl'))
      .flatMap((name) => readFileSync(new URL(name, golden), 'utf8').trim().split('\n'))
      .map((line) => JSON.parse(line))
      .filter((line) => line.ch === 'tcs' && line.dir === 'in' && line.event === 'message');
    expect(recorded.length).toBeGreaterThan(10);
    for (const { type, message } of recorded) {
      const json = JSON.stringify({ type, message });
      const { frame } = parseAgentFrame(`Authorization: x\r\nHost: h\r\n\r\n${json}`);
      expect(frame).toEqual({ kind: 'message', message: { type, message } });
      if (frame.kind === 'message')
        expect(JSON.parse(encodeAgentMessage(frame.message))).toEqual({ type, message });
    }
  });

  it('are split at the first empty line, or are bare JSON', () => {
    const json = '{"type":"PublishHealthRequest","message":{"metadata":{"cluster":"a\\r\\n\\r\\nb"}}}';
    expect(parseAgentFrame(`Host: h:80\r\n\r\n${json}`)).toMatchObject({ headers: { Host: 'h:80' }, json });
    expect(parseAgentFrame(json)).toMatchObject({ headers: {}, json, frame: { kind: 'message' } });
  });

  it.each([
    [1_767_225_600_250, 1_767_225_600.25],
    [1_767_225_600_000, 1_767_225_600],
    [1_767_225_600_123.4, 1_767_225_600.123],
  ])('write the time %d as %d (TCS-14)', (ms, seconds) => {
    expect(JSON.stringify(tcsTime(ms))).toBe(String(seconds));
  });
});
