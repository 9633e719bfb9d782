import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHostsDirectories } from '../../../../../src/runtime/containerd/registry-hosts/hosts-path.ts';
import { RegistryHosts } from '../../../../../src/runtime/containerd/registry-hosts/registry-hosts.ts';
import { makeScratch, type Scratch } from '../../../../support/scratch.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

function write(path: string, text: string): string {
  const file = scratch.path(path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const mirror = (name: string) => `[host."https://${name}"]`;

describe('the hosts of a registry', () => {
  const ask = async (host: string) => {
    const hosts = new RegistryHosts({ directories: async () => [scratch.path('one'), scratch.path('two')] });
    return (await hosts.endpointsOf(host)).map(({ address }) => address);
  };

  it('are the registry alone where there are no files', async () => {
    expect(await ask('docker.io')).toEqual(['registry-1.docker.io']);
  });

  it('are those of its own directory, by either name of one with a port, else of _default', async () => {
    write('one/_default/hosts.toml', mirror('default.example'));
    write('one/r.example/hosts.toml', mirror('plain.example'));
    write('one/r.example:5000/hosts.toml', mirror('colon.example'));
    write('one/r.example_444_/hosts.toml', mirror('underscore.example'));
    write('one/r.example:444/hosts.toml', mirror('not-this.example'));
    expect(await ask('r.example')).toEqual(['plain.example', 'r.example']);
    expect(await ask('r.example:5000')).toEqual(['colon.example', 'r.example:5000']);
    expect(await ask('r.example:444')).toEqual(['underscore.example', 'r.example:444']);
    expect(await ask('other.example')).toEqual(['default.example', 'other.example']);
  });

  it('are those of the first place that has any', async () => {
    write('one/a.example/hosts.toml', mirror('first.example'));
    write('two/a.example/hosts.toml', mirror('second.example'));
    write('two/b.example/hosts.toml', mirror('second.example'));
    expect(await ask('a.example')).toEqual(['first.example', 'a.example']);
    expect(await ask('b.example')).toEqual(['second.example', 'b.example']);
  });

  it('are unknown when the file cannot be read, and its name is told', async () => {
    const file = write('one/a.example/hosts.toml', '[host');
    await expect(ask('a.example')).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining(`${file} cannot be read`),
    });
  });

  it('follow a change of the file', async () => {
    let now = 0;
    const hosts = new RegistryHosts({ directories: async () => [scratch.path('one')], now: () => now });
    const first = async () => (await hosts.endpointsOf('a.example'))[0]?.address;
    write('one/a.example/hosts.toml', mirror('old.example'));
    expect(await first()).toBe('old.example');
    write('one/a.example/hosts.toml', mirror('new.example'));
    now = 10_000;
    expect(await first()).toBe('new.example');
  });
});

describe('the directories of hosts', () => {
  const usual = ['/etc/containerd/certs.d', '/etc/docker/certs.d'];

  it.each([
    ['', usual],
    ['this is = no TOML, config_path', usual],
    ['[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = ""', usual],
    ['version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/a:/b"', ['/a', '/b']],
    ["version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = '/c'", ['/c']],
  ])('are read out of containerd’s configuration: %j', async (text, directories) => {
    expect(await readHostsDirectories(write('config.toml', text))).toEqual(directories);
  });

  it('are read out of a file that it imports', async () => {
    write('conf.d/10.toml', '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/d"');
    expect(await readHostsDirectories(write('config.toml', 'imports = ["conf.d/*.toml"]'))).toEqual(['/d']);
  });

  it('are the usual ones without a configuration', async () => {
    expect(await readHostsDirectories(scratch.path('none.toml'))).toEqual(usual);
  });
});
