import type { TaskRules } from '../task/event.ts';
import type { EngineSettings } from './step-context.ts';

/** What of the settings the pure core follows. */
export function taskRules(settings: EngineSettings): TaskRules {
  return {
    stopTimeoutMs: settings.stopTimeoutMs,
    cleanupWaitMs: settings.cleanupWaitMs,
    cleanupJitterMs: settings.cleanupJitterMs,
    pullUpfront: settings.pullUpfront,
    pullFailureStops: settings.pullBehavior === 'always' || settings.pullBehavior === 'once',
  };
}
