import { describe, expect, test } from 'vitest';
import { boundaryViolations } from '../../../scripts/boundaries.ts';

/** File, what it imports, the start of the rule that forbids it. */
const FORBIDDEN = [
  ['task/plan.ts', '../store/store.ts', 'task/, wire/ and async/'],
  ['task/plan.ts', 'node:fs', 'task/ does no I/O'],
  ['task/plan.ts', 'pino', 'task/ does no I/O'],
  ['task/plan.ts', '../schema.ts', 'task/ does no I/O'],
  ['wire/acs.ts', 'zod', 'zod comes by schema.ts'],
  ['agent.ts', 'zod/mini', 'zod comes by schema.ts'],
  ['wire/acs.ts', '../task/ids.ts', 'task/, wire/ and async/'],
  ['async/backoff.ts', '../agent-version.ts', 'task/, wire/ and async/'],
  ['control-plane/http/api.ts', '../../task/ids.ts', 'control-plane/ sees only'],
  ['runtime/runtime.ts', '../host/netlink.ts', 'a port imports only'],
  ['runtime/runtime.ts', './containerd/runtime.ts', 'a port imports only'],
  ['network/host-network.ts', '../store/sqlite-store.ts', 'an adapter knows ports'],
  ['runtime/containerd/client.ts', '../../network/netns.ts', 'a runtime knows ports'],
  ['runtime/containerd/client.ts', '../docker/client.ts', 'runtimes do not know'],
  ['runtime/fake/fake.ts', '../containerd/client.ts', 'runtimes do not know'],
  ['engine/worker.ts', '../runtime/containerd/runtime.ts', 'only the composition root'],
  ['ecs/reporter.ts', '../store/sqlite-store.ts', 'only the composition root'],
  ['ecs/reporter.ts', '../../test/support/until.ts', 'src/ imports nothing'],
] as const;

const ALLOWED = [
  ['schema.ts', 'zod/mini'],
  ['wire/acs.ts', '../schema.ts'],
  ['task/plan.ts', './step.ts'],
  ['task/ids.ts', 'node:crypto'],
  ['control-plane/http/api.ts', '../state/state.ts'],
  ['control-plane/http/api.ts', '../../wire/acs.ts'],
  ['network/network.ts', '../runtime/runtime.ts'],
  ['runtime/containerd/images/pull.ts', '../../../image/manifest.ts'],
  ['runtime/containerd/client.ts', './generated/containerd/types/Mount.ts'],
  ['runtime/containerd/client.ts', '@grpc/grpc-js'],
  ['store/sqlite-store.ts', 'node:sqlite'],
  ['engine/worker.ts', '../store/store.ts'],
  ['agent.ts', './runtime/containerd/runtime.ts'],
  ['main.ts', './agent.ts'],
] as const;

describe('import boundaries', () => {
  test.each(FORBIDDEN)('%s may not import %s', (file, target, rule) => {
    const violations = boundaryViolations(file, `import { thing } from '${target}';\n`);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(`: ${rule}`);
  });

  test.each(ALLOWED)('%s may import %s', (file, target) => {
    expect(boundaryViolations(file, `import { thing } from '${target}';\n`)).toEqual([]);
  });

  test.each([
    "import type { Store } from '../store/store.ts';",
    "export { Store } from '../store/store.ts';",
    "import '../store/store.ts';",
    "const { Store } = await import('../store/store.ts');",
    "import {\n  type Store,\n} from '../store/store.ts';",
  ])('%s counts as an import', (source) => {
    expect(boundaryViolations('task/plan.ts', source)).toHaveLength(1);
  });
});
