import { afterAll, beforeAll, expect, test } from 'vitest';
import { RuntimeLogs } from '../../../src/container-log/runtime-logs.ts';
import { type OpenedDocker, openDocker } from '../../../src/runtime/docker/open-docker.ts';
import { containerIdOf } from '../../../src/task/ids.ts';
import { startDockerd, type TestDockerd } from '../../support/dockerd.ts';
import { ARN, requestOf } from './containers.ts';

const IMAGE = 'logs:1';
const signal = AbortSignal.timeout(120_000);
/** Options that each driver has, besides those of all. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'json-file': { 'max-size': '10m', 'max-file': '3', labels: 'a' },
  local: { 'max-size': '10m', compress: 'false', 'max-file': '1' },
  syslog: { 'syslog-address': 'udp://127.0.0.1:514', 'syslog-facility': 'local3', tag: '{{.Name}}' },
  journald: { tag: 'x', env: 'A' },
  gelf: { 'gelf-address': 'udp://127.0.0.1:12201', 'gelf-compression-type': 'none' },
  fluentd: { 'fluentd-address': '127.0.0.1:24224', 'fluentd-async': 'true', 'fluentd-request-ack': 'true' },
  awslogs: { 'awslogs-group': 'g', 'awslogs-region': 'us-west-2', 'awslogs-stream': 's/app/1' },
  splunk: { 'splunk-token': 't', 'splunk-url': 'https://127.0.0.1:8088', 'splunk-format': 'raw' },
  none: {},
};

let dockerd: TestDockerd;
let docker: OpenedDocker;
beforeAll(async () => {
  dockerd = await startDockerd();
  await dockerd.load(IMAGE);
  docker = await openDocker({ socketPath: dockerd.socketPath, owner: 'ecs' });
});
afterAll(async () => {
  await docker?.runtime.close();
  await dockerd?.[Symbol.asyncDispose]();
});

/** Has dockerd make a container that logs so; what it knows of its log. */
async function madeWith(driver: string, options: Readonly<Record<string, string>>) {
  const name = `log-${driver}`;
  const logs = new RuntimeLogs(docker.logDrivers);
  const id = containerIdOf(ARN, name, 0);
  const request = await requestOf(
    {
      ...{ runtime: docker.runtime, image: IMAGE, defaults: () => ({}) },
      stdio: async () => {
        const { stdio } = await logs.prepare({
          ...{ id, name, driver, options, taskArn: ARN, imageName: IMAGE, imageId: '', command: [] },
          ...{ labels: {}, environment: {}, createdAt: 0 },
        });
        return stdio;
      },
      limitsOf: () => Promise.reject(new Error('nobody asks')),
      [Symbol.asyncDispose]: async () => {},
    },
    name,
  );
  await docker.runtime.createContainer(request, { signal });
  try {
    return JSON.parse(await dockerd.docker('inspect', '-f', '{{json .HostConfig.LogConfig}}', request.name));
  } finally {
    await docker.runtime.removeContainer(id, { signal });
  }
}

test.each(Object.entries(OPTIONS))(
  'dockerd gets the log driver %s with the options of the task definition, and mode and buffer as the agent sets them',
  async (driver, own) => {
    const options = { ...own, ...(driver !== 'none' && { mode: 'non-blocking', 'max-buffer-size': '10m' }) };
    expect(docker.logDrivers).toContain(driver);
    expect(await madeWith(driver, options)).toEqual({ Type: driver, Config: options });
  },
);

test('an option that the driver of dockerd does not have fails the container with its words (LOG-23)', async () => {
  await expect(madeWith('json-file', { nonsense: 'x' })).rejects.toThrow(
    "unknown log opt 'nonsense' for json-file log driver",
  );
});
