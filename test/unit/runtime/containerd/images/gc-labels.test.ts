import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  indexLabels,
  manifestLabels,
  missingLabels,
  sourceLabel,
} from '../../../../../src/runtime/containerd/images/gc-labels.ts';
import { chainIds } from '../../../../../src/runtime/containerd/images/unpack-layer.ts';

const sha = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

it('chain IDs of 1 to n layers build on each other (CTD-12)', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(sha);
  expect(chainIds([])).toEqual([]);
  expect(chainIds([a ?? ''])).toEqual([a]);
  expect(chainIds([a ?? '', b ?? '', c ?? ''])).toEqual([
    a,
    sha(`${a} ${b}`),
    sha(`${sha(`${a} ${b}`)} ${c}`),
  ]);
  // Known pair, so that a mistake shared by code and test would show.
  const zeros = `sha256:${'0'.repeat(64)}`;
  expect(chainIds([zeros, zeros])[1]).toBe(
    `sha256:${createHash('sha256')
      .update(`sha256:${'0'.repeat(64)} sha256:${'0'.repeat(64)}`)
      .digest('hex')}`,
  );
});

describe('labels for the collector', () => {
  it('name everything that a manifest and an index need', () => {
    expect(manifestLabels('c', ['x', 'y'])).toEqual({
      'containerd.io/gc.ref.content.config': 'c',
      'containerd.io/gc.ref.content.l.0': 'x',
      'containerd.io/gc.ref.content.l.1': 'y',
    });
    expect(indexLabels(3, 'm')).toEqual({ 'containerd.io/gc.ref.content.m.3': 'm' });
  });

  it('are added to a blob without taking away what others put there', () => {
    const wanted = indexLabels(0, sha('mine'));
    expect(missingLabels(wanted, wanted)).toEqual({});
    expect(missingLabels(wanted, {})).toEqual(wanted);
    expect(missingLabels(wanted, { 'containerd.io/gc.ref.content.m.7': sha('mine') })).toEqual({});
    const others = { 'containerd.io/gc.ref.content.m.0': sha('theirs') };
    const added = missingLabels(wanted, others);
    expect(Object.values(added)).toEqual([sha('mine')]);
    expect(Object.keys(added)).not.toContain('containerd.io/gc.ref.content.m.0');
    expect(Object.keys(added)[0]).toMatch(/^containerd\.io\/gc\.ref\.content\.[0-9a-f]+$/);
  });

  it('tell all repositories a blob came from, the oldest dropped when they grow too long', () => {
    const key = 'containerd.io/distribution.source.h';
    expect(sourceLabel('h', 'a')).toEqual({ [key]: 'a' });
    expect(sourceLabel('h', 'b', { [key]: 'a' })).toEqual({ [key]: 'a,b' });
    expect(sourceLabel('h', 'a', { [key]: 'a,b' })).toEqual({ [key]: 'a,b' });
    const many = Array.from({ length: 100 }, (_, n) => `${n}${'x'.repeat(50)}`).join(',');
    const label = sourceLabel('h', 'last', { [key]: many })[key] ?? '';
    expect(key.length + label.length).toBeLessThanOrEqual(4096);
    expect(label).toMatch(/,last$/);
  });
});
