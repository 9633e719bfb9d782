import type { DriverDefinition } from './driver.ts';
import { openJsonFileDriver } from './json-file/json-file-driver.ts';
import { MAX_MESSAGE_BYTES } from './log-message.ts';

/** The drivers that this service runs, each loaded when it is first needed; `none` needs no service. */
export const DRIVERS: Readonly<Record<string, DriverDefinition>> = {
  'json-file': { maxMessageBytes: MAX_MESSAGE_BYTES, open: openJsonFileDriver },
  local: loaded(async () => (await import('./local/local-driver.ts')).openLocalDriver),
  fluentd: loaded(async () => (await import('./fluentd/fluentd-driver.ts')).openFluentdDriver),
  gelf: loaded(async () => (await import('./gelf/gelf-driver.ts')).openGelfDriver),
  journald: loaded(async () => (await import('./journald/journald-driver.ts')).openJournaldDriver),
  splunk: loaded(async () => (await import('./splunk/splunk-driver.ts')).openSplunkDriver),
  syslog: loaded(async () => (await import('./syslog/syslog-driver.ts')).openSyslogDriver),
  awslogs: {
    // Its largest event (logging.md §21.3).
    maxMessageBytes: 262_118,
    open: async (context) => (await import('./awslogs/awslogs-driver.ts')).openAwslogsDriver(context),
  },
};

function loaded(load: () => Promise<DriverDefinition['open']>): DriverDefinition {
  return { maxMessageBytes: MAX_MESSAGE_BYTES, open: async (context) => await (await load())(context) };
}
