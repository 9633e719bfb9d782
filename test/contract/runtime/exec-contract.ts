import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerRuntime } from '../../../src/runtime/runtime.ts';
import type { ContainerId } from '../../../src/task/ids.ts';
import { requestOf, script } from './containers.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';

export function execContract(under: () => RuntimeUnderTest): void {
  describe('exec', () => {
    const { signal } = new AbortController();
    let runtime: ContainerRuntime;
    let id: ContainerId;

    beforeAll(async () => {
      ({ runtime } = under());
      const request = await requestOf(under(), 'exec', {
        ...script('sleep 1000'),
        environment: { FROM: 'container' },
      });
      ({ id } = request);
      await runtime.createContainer(request, { signal });
      await runtime.startContainer(id, { signal });
    });
    afterAll(async () => {
      await runtime.removeContainer(id, { signal });
    });

    const shell = (text: string) => ({ args: ['sh', '-c', text], outputLimit: 4096 });

    it('gives exit code and output of a command, however short (CTD-74)', async () => {
      for (const code of [0, 1, 42]) {
        const result = await runtime.exec(id, shell(`echo out; echo err >&2; exit ${code}`), { signal });
        expect(result.exitCode).toBe(code);
        // Two pipes: what goes into one may be passed on before what went into the other.
        expect(result.output.split('\n').sort()).toEqual(['', 'err', 'out']);
      }
    });

    it("runs with the container's environment and user, or others", async () => {
      const plain = await runtime.exec(id, shell('echo $FROM; id -u'), { signal });
      expect(plain.output).toBe('container\n0\n');
      const other = await runtime.exec(
        id,
        { ...shell('echo $FROM; id -u; id -g'), environment: { FROM: 'exec' }, user: 'app' },
        { signal },
      );
      expect(other.output).toBe('exec\n1234\n5678\n');
    });

    it('keeps the first bytes of a long output and lets the command end', async () => {
      const long = { args: ['sh', '-c', 'yes | head -c 300000; exit 4'], outputLimit: 10 };
      expect(await runtime.exec(id, long, { signal })).toEqual({ exitCode: 4, output: 'y\n'.repeat(5) });
    });

    it('runs many at once, each with its own output (CTD-26)', async () => {
      const results = await Promise.all(
        [1, 2, 3, 4, 5, 6].map((number) => runtime.exec(id, shell(`echo ${number}`), { signal })),
      );
      expect(results.map(({ output }) => output.trim())).toEqual(['1', '2', '3', '4', '5', '6']);
    });

    it('answers for a command that is not there as a shell does', async () => {
      const result = await runtime.exec(id, { args: ['/no/such/command'], outputLimit: 4096 }, { signal });
      expect(result.exitCode).toBe(127);
      expect(result.output).toContain('/no/such/command');
    });

    it('kills the command at the deadline and nothing else (CTD-76)', async () => {
      const controller = new AbortController();
      const reason = new Error('too slow');
      const slow = runtime.exec(id, shell('touch /started; exec sleep 1003'), { signal: controller.signal });
      const rejected = expect(slow).rejects.toBe(reason);
      await expect
        .poll(async () => (await runtime.exec(id, shell('test -e /started'), { signal })).exitCode)
        .toBe(0);
      controller.abort(reason);
      await rejected;
      await expect
        .poll(async () =>
          (await runtime.exec(id, shell('ps | grep -c "[s]leep 1003"'), { signal })).output.trim(),
        )
        .toBe('0');
      expect((await runtime.observeContainer(id, { signal })).state).toBe('running');
    });

    it('does not wait for a child that keeps the output open', async () => {
      const result = await runtime.exec(id, shell('sleep 1004 & echo done'), { signal });
      expect(result).toEqual({ exitCode: 0, output: 'done\n' });
    });

    it('refuses where nothing runs', async () => {
      const request = await requestOf(under(), 'exec-created');
      await runtime.createContainer(request, { signal });
      await expect(runtime.exec(request.id, shell('true'), { signal })).rejects.toMatchObject({
        code: 'DockerStateError',
      });
      await runtime.removeContainer(request.id, { signal });
      await expect(runtime.exec(request.id, shell('true'), { signal })).rejects.toMatchObject({
        code: 'NoSuchContainerError',
      });
    });
  });
}
