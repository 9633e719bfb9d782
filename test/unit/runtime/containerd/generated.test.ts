import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../../..');

function filesOf(directory: string): Map<string, string> {
  return new Map(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(directory.length), readFileSync(path, 'utf8')]),
  );
}

describe('generated types of proto/', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ecs-generated-'));
  afterAll(() => rmSync(scratch, { recursive: true }));

  it('are what the generator writes: after a change of a .proto file run npm run proto', () => {
    const out = join(scratch, 'generated');
    execFileSync(process.execPath, [join(root, 'scripts/generate-proto.ts'), out]);
    const checkedIn = filesOf(join(root, 'src/runtime/containerd/generated'));
    const written = filesOf(out);
    expect([...checkedIn.keys()].sort()).toEqual([...written.keys()].sort());
    for (const [path, text] of written) expect(checkedIn.get(path), path).toBe(text);
  }, 30_000);
});
