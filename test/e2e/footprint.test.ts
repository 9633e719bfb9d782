import { describe, expect, it } from 'vitest';
import { bundledAgent } from '../../scripts/bench/agent-build.ts';
import { measureFootprints } from '../../scripts/bench/footprint.ts';
import { makeScratch } from '../support/scratch.ts';

/** MiB; `npm run bench -- footprint` shows where they are. An agent that gave nothing back would have ten more. */
const MOST_RESIDENT = 93;
const MOST_PRIVATE = 49;

describe('the installed agent at rest', () => {
  it('stays below its memory budget, connected and without tasks', async () => {
    await using scratch = makeScratch();
    const { node, agent } = await measureFootprints(await bundledAgent(scratch.path('bundle')));
    expect(agent.private).toBeGreaterThan(node.private);
    expect(agent.resident).toBeLessThan(MOST_RESIDENT);
    expect(agent.private).toBeLessThan(MOST_PRIVATE);
  }, 300_000);
});
