import { describe, expect, it } from 'vitest';
import { jsonAny, OCI_SPEC_URL, packAny, unpackAny } from '../../../../src/runtime/containerd/any.ts';
import { ContainerdApi } from '../../../../src/runtime/containerd/api.ts';
import { epochMsOf } from '../../../../src/runtime/containerd/timestamps.ts';

describe('values on the wire', () => {
  const api = new ContainerdApi();

  it('are recognised in an Any by what is behind the last slash, whoever wrote it (CTD-5)', () => {
    // TaskExit: container_id, id, pid 7, exit_status 9.
    const value = Buffer.from('0a01611201611807' + '2009', 'hex');
    for (const prefix of ['', 'type.googleapis.com/', 'a/b/'])
      expect(
        unpackAny(api, 'containerd.events.TaskExit', {
          type_url: `${prefix}containerd.events.TaskExit`,
          value,
        }),
      ).toMatchObject({ containerId: 'a', id: 'a', pid: 7, exitStatus: 9 });
    for (const type_url of ['containerd.events.TaskOOM', 'x.containerd.events.TaskExit', ''])
      expect(unpackAny(api, 'containerd.events.TaskExit', { type_url, value })).toBeUndefined();
    expect(unpackAny(api, 'containerd.events.TaskExit', null)).toBeUndefined();
  });

  it('carry the options of runc with their field numbers', () => {
    const any = packAny(api, 'containerd.runc.v1.Options', { binaryName: 'crun', systemdCgroup: true });
    expect(any.type_url).toBe('containerd.runc.v1.Options');
    expect(any.value.toString('hex')).toBe(`3204${Buffer.from('crun').toString('hex')}4801`);
  });

  it('carry JSON as text', () => {
    expect(jsonAny(OCI_SPEC_URL, { limit: 2n ** 64n - 1n }).value.toString()).toBe(
      '{"limit":18446744073709551615}',
    );
  });

  it('keep numbers beyond what a JavaScript number holds (CTD-44)', () => {
    const { responseDeserialize } = api.method('content', 'Info');
    // InfoAnswer { info { size = 2^53 + 1 } } and the largest one.
    const answer = responseDeserialize(Buffer.from('0a091081808080808080' + '10', 'hex'));
    expect(answer.info?.size).toBe('9007199254740993');
    const largest = responseDeserialize(Buffer.from('0a0a10ffffffffffffffff7f', 'hex'));
    expect(largest.info?.size).toBe('9223372036854775807');
  });

  it('have times that were never set as none (CTD-43)', () => {
    expect(epochMsOf({ seconds: '-62135596800', nanos: 0 })).toBeUndefined();
    expect(epochMsOf({ seconds: '0', nanos: 0 })).toBeUndefined();
    expect(epochMsOf(null)).toBeUndefined();
    expect(epochMsOf(undefined)).toBeUndefined();
    expect(epochMsOf({ seconds: '1700000000', nanos: 123_456_789 })).toBe(1_700_000_000_123);
  });
});
