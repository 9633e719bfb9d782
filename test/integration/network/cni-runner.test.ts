import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ensureNetworkNamespace, removeNetworkNamespace } from '../../../src/host/netns.ts';
import { runCommand } from '../../../src/host/run-command.ts';
import { CniRunner } from '../../../src/network/cni/cni-runner.ts';
import type { CniConfig } from '../../../src/network/cni/cni-schema.ts';
import { hostProcesses } from '../../support/processes.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

/*
 * Plugins are shell scripts: they write down what they were told and say what the test put beside them, so that
 * every answer of the specification can be given, wrong ones too.
 */
const PLUGIN = `#!/bin/sh
me=$(basename "$0"); dir=$(dirname "$0")
input=$(cat)
[ "$CNI_COMMAND" = VERSION ] && { cat "$dir/$me.versions"; exit 0; }
printf '%s %s %s|%s|%s|%s\\n' "$CNI_COMMAND" "$me" "$CNI_CONTAINERID" "$CNI_IFNAME" "$CNI_NETNS" "$CNI_ARGS" >>"$dir/calls"
printf '%s' "$input" >"$dir/$me.$CNI_COMMAND.input"
answer="$dir/$me.$CNI_COMMAND"
[ -e "$answer.slow" ] && exec sleep 1000
[ -e "$answer.once" ] && { cat "$answer.once"; rm "$answer.once"; exit 1; }
[ -e "$answer.fails" ] && { cat "$answer.fails"; exit 1; }
[ "$CNI_COMMAND" = ADD ] && cat "$dir/$me.ADD"
exit 0
`;

let scratch: Scratch;
let netns: string;
let runner: CniRunner;
const { signal } = new AbortController();

beforeEach(() => {
  scratch = makeScratch();
  mkdirSync(scratch.path('bin'));
  netns = `/run/netns/cni-${process.pid}`;
  ensureNetworkNamespace(netns, { ipv6: false });
  for (const name of ['first', 'second']) plugin(name);
  runner = open();
});
afterEach(async () => {
  removeNetworkNamespace(netns);
  await scratch.remove();
});

function open(options: { addTimeoutMs?: number } = {}): CniRunner {
  return new CniRunner({
    ...options,
    pluginDirectories: [scratch.path('none'), scratch.path('bin')],
    cacheDirectory: scratch.path('results'),
    run: runCommand,
  });
}

function plugin(name: string, versions: readonly string[] = ['0.3.1', '0.4.0', '1.0.0']): void {
  writeFileSync(scratch.path('bin', name), PLUGIN);
  chmodSync(scratch.path('bin', name), 0o755);
  say(`${name}.versions`, { cniVersion: '1.0.0', supportedVersions: versions });
  say(`${name}.ADD`, resultOf(name));
}

const resultOf = (name: string, cniVersion = '1.0.0') => ({
  cniVersion,
  interfaces: [{ name, mac: '02:00:00:00:00:01' }],
  ips: [{ address: '10.1.2.3/24', gateway: '10.1.2.1' }],
  dns: {},
});

function say(file: string, answer: object | string): void {
  writeFileSync(scratch.path('bin', file), typeof answer === 'string' ? answer : JSON.stringify(answer));
}

const calls = () =>
  existsSync(scratch.path('bin', 'calls'))
    ? readFileSync(scratch.path('bin', 'calls'), 'utf8').trim().split('\n')
    : [];
const verbs = () => calls().map((line) => line.split(' ').slice(0, 2).join(' '));
const input = (name: string, command: string) =>
  JSON.parse(readFileSync(scratch.path('bin', `${name}.${command}.input`), 'utf8'));

const CONFIG: CniConfig = {
  cniVersion: '1.1.0',
  name: 'net',
  plugins: [
    { type: 'first', capabilities: { ips: true, mac: false }, extra: 1 },
    { type: 'second', capabilities: { portMappings: true } },
  ],
};
const KEY = { network: 'net', containerId: 'c1', ifName: 'eth0' };
const attachment = () => ({
  containerId: 'c1',
  netns,
  ifName: 'eth0',
  args: [['IgnoreUnknown', '1']] as const,
  capabilityArgs: { ips: ['10.1.2.3/24'], mac: '02:00', unknown: true },
});
const add = () => runner.ensureAttached(CONFIG, attachment(), { signal });

describe('a chain of CNI plugins', () => {
  test('is told name, version, own members, and only the arguments it declares (NET-56, NET-107, NET-108)', async () => {
    await add();
    expect(input('first', 'ADD')).toEqual({
      type: 'first',
      extra: 1,
      name: 'net',
      cniVersion: '1.0.0',
      runtimeConfig: { ips: ['10.1.2.3/24'] },
    });
    expect(calls()[0]).toBe(`ADD first c1|eth0|${netns}|IgnoreUnknown=1`);
  });

  test('hands on the result from the second plugin on (NET-106)', async () => {
    const result = await add();
    expect(input('second', 'ADD')).toEqual({
      type: 'second',
      name: 'net',
      cniVersion: '1.0.0',
      prevResult: resultOf('first'),
    });
    expect(result).toEqual(resultOf('second'));
  });

  test('is taken down in reverse with what it was made with, whatever the configuration says now (NET-48, NET-53)', async () => {
    await add();
    runner = open();
    await runner.detach(KEY);
    expect(verbs()).toEqual(['ADD first', 'ADD second', 'DEL second', 'DEL first']);
    expect(input('first', 'DEL')).toEqual({
      type: 'first',
      extra: 1,
      name: 'net',
      cniVersion: '1.0.0',
      runtimeConfig: { ips: ['10.1.2.3/24'] },
      prevResult: resultOf('second'),
    });
    await runner.detach(KEY);
    expect(verbs().length).toBe(4);
    expect(await runner.list()).toEqual([]);
  });

  test('is checked, not made again, when it is whole; made again when it is not', async () => {
    await add();
    runner = open();
    await add();
    expect(verbs().slice(2)).toEqual(['CHECK first', 'CHECK second']);
    say('second.CHECK.fails', { cniVersion: '1.0.0', code: 5, msg: 'the link is gone' });
    await add();
    expect(verbs().slice(4)).toEqual([
      ...['CHECK first', 'CHECK second', 'DEL second', 'DEL first', 'ADD first', 'ADD second'],
    ]);
  });

  test('is made again when the configuration is another one', async () => {
    await add();
    const changed = { ...CONFIG, plugins: CONFIG.plugins.map((one) => ({ ...one, extra: 2 })) };
    await runner.ensureAttached(changed, attachment(), { signal });
    expect(verbs().slice(2)).toEqual(['DEL second', 'DEL first', 'ADD first', 'ADD second']);
    expect(input('first', 'DEL')).toMatchObject({ extra: 1 });
    expect(input('first', 'ADD')).toMatchObject({ extra: 2 });
  });

  test('goes on with the other plugins when one fails to go, and stays remembered until all did (NET-101)', async () => {
    await add();
    say('second.DEL.fails', { cniVersion: '1.0.0', code: 999, msg: 'no' });
    await expect(runner.detach(KEY)).rejects.toThrow('CNI plugin second failed to DEL: no (code 999)');
    expect(verbs().slice(2)).toEqual(['DEL second', 'DEL first']);
    expect(await runner.list()).toEqual([KEY]);
    rmSync(scratch.path('bin', 'second.DEL.fails'));
    await runner.detach(KEY);
    expect(await runner.list()).toEqual([]);
  });

  test('is taken down without a namespace when that is gone (NET-102)', async () => {
    await add();
    removeNetworkNamespace(netns);
    await runner.detach(KEY);
    expect(calls().slice(2)).toEqual([
      'DEL second c1|eth0||IgnoreUnknown=1',
      'DEL first c1|eth0||IgnoreUnknown=1',
    ]);
  });

  test('that fails is told with the words, details and code of the plugin, and undone (NET-54)', async () => {
    say('second.ADD.fails', { cniVersion: '1.0.0', code: 7, msg: 'bad subnet', details: 'at line 1' });
    await expect(add()).rejects.toMatchObject({
      code: 'ContainerNetworkingError',
      message: 'CNI plugin second failed to ADD: bad subnet; at line 1 (code 7)',
    });
    expect(verbs()).toEqual(['ADD first', 'ADD second', 'DEL second', 'DEL first']);
    expect(await runner.list()).toEqual([]);
  });

  test('that fails without JSON is told with what it printed', async () => {
    say('first.ADD.fails', 'segmentation something');
    await expect(add()).rejects.toThrow(
      'CNI plugin first failed to ADD: it ended with status 1: segmentation something',
    );
  });

  test('that asks to be tried again is tried again', async () => {
    say('first.ADD.once', { cniVersion: '1.0.0', code: 11, msg: 'busy' });
    expect(await add()).toEqual(resultOf('second'));
  });

  test('is killed when it takes too long, told so, and undone (NET-55, NET-105)', async () => {
    say('second.ADD.slow', '');
    runner = open({ addTimeoutMs: 1_000 });
    await expect(add()).rejects.toMatchObject({
      code: 'ContainerNetworkingError',
      message: 'CNI ADD of network net did not finish within 1 s; its plugins were killed',
    });
    expect(verbs()).toEqual(['ADD first', 'ADD second', 'DEL second', 'DEL first']);
    const alive = hostProcesses().filter(({ args }) => args.join(' ') === 'sleep 1000');
    expect(alive.filter(({ parentPid }) => parentPid === process.pid)).toEqual([]);
  });

  test('is killed when its caller gives up, and what it had made is undone', async () => {
    say('second.ADD.slow', '');
    const giveUp = new AbortController();
    const adding = runner.ensureAttached(CONFIG, attachment(), { signal: giveUp.signal });
    adding.catch(() => undefined);
    await until(() => verbs().includes('ADD second'), { what: 'the second plugin runs' });
    giveUp.abort(new Error('enough'));
    await expect(adding).rejects.toThrow('enough');
    expect(verbs()).toEqual(['ADD first', 'ADD second', 'DEL second', 'DEL first']);
  });

  test('speaks the newest version that all plugins know, from 0.3.1 on', async () => {
    plugin('second', ['0.2.0', '0.3.1']);
    say('first.ADD', resultOf('first', '0.3.1'));
    say('second.ADD', resultOf('second', '0.3.1'));
    await add();
    expect(input('first', 'ADD').cniVersion).toBe('0.3.1');
    await runner.detach(KEY);
    // Before 0.4.0 plugins do not know results of earlier calls.
    expect(input('second', 'DEL').prevResult).toBeUndefined();
    plugin('second', ['0.1.0']);
    await expect(open().ensureAttached(CONFIG, attachment(), { signal })).rejects.toThrow(
      'CNI plugins first, second have no version from 0.3.1 to 1.1.0 in common',
    );
  });

  test('asks plugins of version 1.1.0 for their status', async () => {
    await runner.status(CONFIG, { signal });
    expect(verbs()).toEqual([]);
    for (const name of ['first', 'second']) plugin(name, ['1.0.0', '1.1.0']);
    say('second.STATUS.fails', { cniVersion: '1.1.0', code: 50, msg: 'out of addresses' });
    await expect(open().status(CONFIG, { signal })).rejects.toThrow(
      'second failed to STATUS: out of addresses',
    );
  });
});
