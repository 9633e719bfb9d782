import { TOKEN_LIFE_MS } from './client-tokens.ts';
import type { Settings } from './settings.ts';
import type { State } from './state/state.ts';

/** Forgets STOPPED tasks and client tokens that had their time, so that the state stays bounded. */
export function forgetOld(state: State, settings: Settings, nowMs: number): void {
  const tasks = state.tasks.filter(
    ({ stoppedAt }) => stoppedAt !== undefined && stoppedAt <= nowMs - settings.stoppedTaskLifeMs,
  );
  const tokens = [...state.tokens.entries()].filter(
    ([, { createdAt }]) => createdAt <= nowMs - TOKEN_LIFE_MS,
  );
  if (tasks.length === 0 && tokens.length === 0) return;
  state.transaction(() => {
    for (const { taskArn } of tasks) state.tasks.delete(taskArn);
    for (const [key] of tokens) state.tokens.delete(key);
  });
}
