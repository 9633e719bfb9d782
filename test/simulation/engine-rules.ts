import type { admitTask } from '../../src/task/admit.ts';
import type { plan } from '../../src/task/plan.ts';
import type { reduce } from '../../src/task/reduce.ts';

/** The pure core as the simulation runs it; a planted bug is another set of these. */
export interface EngineRules {
  readonly admitTask: typeof admitTask;
  readonly reduce: typeof reduce;
  readonly plan: typeof plan;
}
