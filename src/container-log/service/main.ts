import { closeSync, mkdirSync, openSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { PipeIo, tryLock } from '../../host/pipe-io.ts';
import {
  type LogDirectories,
  logSecretsDirectory,
  serviceLockPath,
  serviceLogPath,
  serviceSocketPath,
} from '../log-paths.ts';
import { CredentialsBroker } from './credentials-broker.ts';
import type { SharedMemory } from './driver.ts';
import { LogService } from './log-service.ts';
import { OwnLog } from './own-log.ts';
import { ReadinessLoop } from './readiness-loop.ts';
import { RequestServer } from './request-server.ts';
import { SecretOptions } from './secret-options.ts';
import { SendSlots } from './send-slots.ts';
import { ReadWindow } from './spool-reader.ts';

/*
 * The log service: a process of its own that outlives the agent (logging.md Part F, layout 2). It may be killed
 * at any line; its state is in the run and data directories. A second start beside a running one ends at once
 * with status 0.
 *
 *   main.ts --run-dir DIR --data-dir DIR [--grace-ms N]
 */

const WINDOW_BYTES = 256 * 1024;
const DEFAULT_GRACE_MS = 5_000;

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'run-dir': { type: 'string' },
      'data-dir': { type: 'string' },
      'grace-ms': { type: 'string' },
    },
  });
  const { 'run-dir': runDir, 'data-dir': dataDir } = values;
  if (runDir === undefined || dataDir === undefined) throw new Error('--run-dir and --data-dir are needed');
  process.umask(0o027);
  // The agent's terminal and service manager must not take the service along.
  process.on('SIGHUP', () => {});
  mkdirSync(runDir, { recursive: true, mode: 0o755 });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = openSync(serviceLockPath({ runDir, dataDir }), 'a', 0o600);
  if (tryLock(lock)) await serve({ runDir, dataDir }, Number(values['grace-ms'] ?? DEFAULT_GRACE_MS));
  closeSync(lock);
}

/** Resolves when neither agent nor containers are left, or a signal or an agent asks for the end. */
async function serve(directories: LogDirectories, graceMs: number): Promise<void> {
  const secrets = new SecretOptions(logSecretsDirectory(directories));
  const log = new OwnLog(serviceLogPath(directories), secrets.hidden);
  const loop = new ReadinessLoop(log);
  let alone: NodeJS.Timeout | undefined;
  const endWhenAlone = (afterMs: number) => {
    clearTimeout(alone);
    alone = setTimeout(() => {
      if (server.hasConnections) return;
      if (service.isQuiet()) loop.close();
      else endWhenAlone(graceMs);
    }, afterMs);
  };
  const credentials = new CredentialsBroker((id) => server.publish({ event: 'credentialsNeeded', id }));
  const service = new LogService(directories, {
    io: new PipeIo(),
    loop,
    memory: sharedMemory(),
    slots: new SendSlots(),
    credentials,
    secrets,
    onSecretsNeeded: ({ container, taskArn }) =>
      server.publish({ event: 'secretsNeeded', id: container.id, taskArn }),
    log,
    onTrouble: (config, trouble) => {
      const why = secrets.hidden.in(trouble);
      const { id } = config.container;
      const { driver, taskArn } = config;
      log.warn('a container log cannot be delivered for now', { container: id, taskArn, driver, why });
      server.publish({ event: 'trouble', id, taskArn, driver, why });
    },
    onDrop: (config, notice) => {
      const { id } = config.container;
      log.warn('lines of a container log were dropped', {
        container: id,
        taskArn: config.taskArn,
        ...notice,
      });
      server.publish({ event: 'dropped', id, taskArn: config.taskArn, ...notice });
    },
  });
  const server = new RequestServer(service, log, {
    credentials,
    onAlone: () => endWhenAlone(graceMs),
    onQuit: () => loop.close(),
  });
  process.on('SIGTERM', () => loop.close());
  process.on('SIGINT', () => loop.close());
  const running = loop.run();
  await service.adopt();
  await server.listen(serviceSocketPath(directories));
  log.info('log service serves');
  // Written at exit otherwise, which a killed process does not come to.
  flushCompileCache();
  // Whoever started it is about to connect.
  endWhenAlone(Math.max(graceMs, DEFAULT_GRACE_MS));
  await running;
  clearTimeout(alone);
  server.close();
  log.info('log service ends');
  // What is open here may still wait for events; all of it is on disk.
  process.exit(0);
}

function sharedMemory(): SharedMemory {
  let output = Buffer.alloc(0);
  return {
    window: new ReadWindow(WINDOW_BYTES),
    output: (bytes) => {
      if (output.length < bytes) output = Buffer.alloc(bytes);
      return output;
    },
  };
}
