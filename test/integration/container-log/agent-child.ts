import type { LogRequest } from '../../../src/container-log/container-logs.ts';
import { type LogServiceOptions, openLogService } from '../../../src/container-log/log-service-client.ts';
import { TEST_KEYS } from './log-stage.ts';

/*
 * An agent to be killed: sets one container's log up, or finds it set up, tells its stdio, and stays.
 *
 *   agent-child.ts OPTIONS REQUEST
 */

const [options = '', request = ''] = process.argv.slice(2);
const logs = await openLogService({
  ...(JSON.parse(options) as LogServiceOptions),
  credentialsOf: async () => TEST_KEYS,
});
const signal = AbortSignal.timeout(30_000);
const { stdio, ready } = await logs.prepare(JSON.parse(request) as LogRequest, { signal });
await ready;
console.log(JSON.stringify(stdio));
