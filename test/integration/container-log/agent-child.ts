import type { LogRequest } from '../../../src/container-log/container-logs.ts';
import { openLogService } from '../../../src/container-log/log-service-client.ts';

/* An agent to be killed: sets one container's log up, tells its stdio, and stays. */

const [runDir = '', dataDir = '', graceMs = '', request = ''] = process.argv.slice(2);
const logs = await openLogService({ runDir, dataDir, graceMs: Number(graceMs) });
const stdio = await logs.prepare(JSON.parse(request) as LogRequest, { signal: AbortSignal.timeout(30_000) });
console.log(JSON.stringify(stdio));
