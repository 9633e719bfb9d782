import { writeFileSync } from 'node:fs';
import { readHostFacts } from '../../../src/runtime/containerd/host-facts.ts';
import { planCapabilities } from '../../../src/runtime/containerd/oci/capabilities.ts';
import type { Scratch } from '../../support/scratch.ts';

const EVERY = ~0n;

/**
 * Lines of dockerd's command with which privileged containers start on a machine that lacks a capability of its
 * kernel: dockerd asks for all of them, and runc refuses the whole container. A script takes those that cannot be
 * had out of the configuration before runc reads it; none where there are all.
 */
export function runcWithinBounds(scratch: Scratch): readonly string[] {
  const { capabilities } = readHostFacts('parity');
  const all = (available: bigint) => planCapabilities({ add: ['ALL'], drop: [], uid: 0, available }).bounding;
  const had = new Set(all(capabilities));
  const missing = all(EVERY).filter((name) => !had.has(name));
  if (missing.length === 0) return [];
  const edits = missing.map((name) => `s/,"${name}"//g;s/"${name}",//g`).join(';');
  const path = scratch.path('runc-within-bounds');
  const script = `#!/bin/sh
last=
for argument; do
  [ "$last" != --bundle ] || sed -i '${edits}' "$argument/config.json"
  last=$argument
done
exec runc "$@"
`;
  writeFileSync(path, script, { mode: 0o755 });
  return ['--add-runtime', `bounded=${path}`, '--default-runtime', 'bounded'];
}
