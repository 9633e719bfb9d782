import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerdClient } from '../../../src/runtime/containerd/client.ts';
import {
  type OpenContainerdOptions,
  openContainerd,
} from '../../../src/runtime/containerd/open-containerd.ts';
import { containerId } from '../../../src/task/ids.ts';
import {
  type ContainerdUnderTest,
  containerdUnderTest,
} from '../../contract/runtime/containerd-under-test.ts';
import { EventLog, requestOf, script } from '../../contract/runtime/containers.ts';
import { CONTAINERD_VERSIONS } from '../../support/containerd-versions.ts';
import { until } from '../../support/until.ts';
import { openProxied } from './with-proxy.ts';

describe('opening containerd', () => {
  const { signal } = new AbortController();
  let under: ContainerdUnderTest;
  beforeAll(async () => {
    under = await containerdUnderTest();
  });
  afterAll(async () => {
    await under[Symbol.asyncDispose]();
  });

  /** Collects what is logged. */
  function logbook() {
    const lines: { readonly message: string; readonly fields: object }[] = [];
    const log = (fields: object, message: string) => void lines.push({ fields, message });
    return { lines, logger: { debug: () => undefined, info: log, warn: log } };
  }

  it('connects to the socket, and says which version is there (CTD-3, CTD-86)', async () => {
    const { lines, logger } = logbook();
    const runtime = await openContainerd({ ...under.options, logger });
    expect(runtime.info).toMatchObject({
      name: 'containerd',
      acsDockerVersion: 'containerd',
      fifoLogs: true,
      remembersOverBoot: false,
    });
    expect(runtime.info.version).toMatch(/^1\.6\./);
    expect(lines.find(({ message }) => message === 'connected to containerd')?.fields).toMatchObject({
      version: runtime.info.version,
    });
    await runtime.ping({ signal });
    await runtime.close();
  });

  it('waits for a containerd that is not there yet, and says so (CTD-2)', async () => {
    await under.containerd.kill('SIGTERM');
    const { lines, logger } = logbook();
    const opening = openContainerd({ ...under.options, logger });
    await until(() => lines.filter(({ message }) => message === 'waiting for containerd').length >= 2, {
      what: 'it waits',
    });
    await under.containerd.restart();
    const runtime = await opening;
    await runtime.ping({ signal });
    await runtime.close();
  });

  it('stops waiting when told to', async () => {
    const controller = new AbortController();
    const opening = openContainerd({
      ...under.options,
      address: `${under.containerd.address}.none`,
      signal: controller.signal,
    });
    const rejected = expect(opening).rejects.toThrow('enough');
    controller.abort(new Error('enough'));
    await rejected;
  });

  it('makes its namespace, once (CTD-4)', async () => {
    const namespace = `${under.options.namespace}-new`;
    for (let times = 0; times < 2; times += 1)
      await (await openContainerd({ ...under.options, namespace })).close();
    const namespaces = (await under.containerd.ctr('', 'namespaces', 'ls', '-q')).split('\n');
    expect(namespaces.filter((name) => name === namespace)).toHaveLength(1);
  });

  it("refuses namespaces that are others' (CTD-42)", async () => {
    for (const namespace of ['moby', 'k8s.io', 'default', ''])
      await expect(openContainerd({ ...under.options, namespace })).rejects.toThrow(
        /ECS_CONTAINERD_NAMESPACE/,
      );
    expect(await under.containerd.ctr('', 'namespaces', 'ls', '-q')).not.toMatch(/moby|k8s|default/);
  });

  it('leaves containers alone that are not its own, even in its namespace (ENG-126)', async () => {
    const { namespace } = under.options;
    const foreign = containerId('foreign-container');
    await under.containerd.ctr(namespace, 'containers', 'create', under.image, foreign);
    expect(await under.runtime.listContainers({ signal })).toEqual([]);
    expect(await under.runtime.observeContainer(foreign, { signal })).toEqual({ state: 'absent' });
    await under.runtime.removeContainer(foreign, { signal });
    expect(await under.containerd.ctr(namespace, 'containers', 'ls', '-q')).toContain(foreign);
    await under.containerd.ctr(namespace, 'containers', 'rm', foreign);
  });

  it('removes leases that an earlier run left, and no others (CTD-46)', async () => {
    const { namespace, address } = under.options;
    const client = new ContainerdClient({ address, namespace });
    const labels = { 'ecs-containerd-agent.lease': 'pull' };
    await client.unary('leases', 'Create', { id: 'stale', labels }, { signal });
    await client.unary('leases', 'Create', { id: 'foreign', labels: {} }, { signal });
    const { lines, logger } = logbook();
    await (await openContainerd({ ...under.options, logger })).close();
    const { leases } = await client.unary('leases', 'List', {}, { signal });
    expect(leases.map(({ id }) => id)).toEqual(['foreign']);
    expect(lines.some(({ message }) => message.includes('leases'))).toBe(true);
    await client.unary('leases', 'Delete', { id: 'foreign' }, { signal });
    client.close();
  });

  it('names the snapshotters there are when the one asked for is missing', async () => {
    const wrong = { ...under.options, snapshotter: 'no-such' };
    await expect(openContainerd(wrong)).rejects.toThrow(/no snapshotter "no-such"; it has .*overlayfs/);
  });

  /** Opens through a proxy that answers one call in containerd's place. */
  async function openWith(
    name: string,
    call: string,
    answer: object,
    overrides: Partial<OpenContainerdOptions> = {},
  ) {
    const { RecordingProxy } = await import('./recording-proxy.ts');
    const address = `${under.containerd.address}.${name}`;
    await using proxy = await RecordingProxy.start(address, under.containerd.address);
    proxy.fail(call, () => ({ answer }));
    const runtime = await openContainerd({ ...under.options, address, ...overrides });
    await runtime.close();
  }

  it('says why the snapshotter did not come up', async () => {
    const initErr = { code: 2, message: 'overlayfs is not supported by this kernel' };
    const answer = { plugins: [{ type: 'io.containerd.snapshotter.v1', id: 'overlayfs', initErr }] };
    await expect(openWith('init', 'Introspection/Plugins', answer)).rejects.toThrow(initErr.message);
  });

  it('refuses a containerd older than 1.6, and says what to do (CTD-41)', async () => {
    for (const version of ['1.5.18', 'v1.4.0', '0.9'])
      await expect(openWith('old', 'Version/Version', { version })).rejects.toThrow(
        `containerd ${version} is too old: this agent needs 1.6 or newer; upgrade containerd`,
      );
    for (const version of ['2.10.0-rc.1', 'unknown']) await openWith('new', 'Version/Version', { version });
  });

  it('tells what a containerd does not have by UNIMPLEMENTED (CTD-39)', async () => {
    await using proxied = await openProxied(under, 'unimplemented');
    proxied.proxy.fail('Containers/List', () => ({ error: 'UNIMPLEMENTED', details: 'unknown service' }));
    const client = new ContainerdClient({
      address: `${under.containerd.address}`,
      namespace: under.options.namespace,
    });
    await expect(proxied.runtime.listContainers({ signal })).rejects.toMatchObject({
      code: 'CannotListContainersError',
      cause: { code: 'UNIMPLEMENTED' },
    });
    client.close();
  });
});

describe('every supported containerd', () => {
  it.each(CONTAINERD_VERSIONS)(
    '%s is opened and runs a container with the same code (CTD-40)',
    async (version) => {
      const { signal } = new AbortController();
      await using under = await containerdUnderTest({ version });
      const { runtime } = under;
      expect(runtime.info.version.startsWith(version)).toBe(true);
      await using log = new EventLog(runtime);
      const request = await requestOf(under, 'any-version', script('exit 3'));
      await runtime.createContainer(request, { signal });
      await runtime.startContainer(request.id, { signal });
      expect(await log.exitOf(request.id)).toMatchObject({ exitCode: 3 });
      await runtime.removeContainer(request.id, { signal });
      await under.expectNothingLeft();
    },
  );
});
