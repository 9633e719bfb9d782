import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHttpAgent, tlsSettings } from '../../../src/aws/connections.ts';
import { sendHttp } from '../../../src/aws/http-request.ts';
import { AnsweringServer } from './answering-server.ts';

const plain = {
  sslCertificateFile: '',
  sslCertificateDirectory: '',
  acceptInsecureCertificates: false,
  proxyEnvironment: {},
};
const certificate = (name: string) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----`;
const timeouts = { dialMs: 5_000, tlsMs: 5_000, totalMs: 5_000 };

describe('certificate authorities', () => {
  it('come from file and directory in place of the usual ones', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'ca-'));
    try {
      await writeFile(join(directory, 'a.pem'), `${certificate('a')}\ntext\n${certificate('b')}`);
      await writeFile(join(directory, 'README'), 'nothing');
      await writeFile(join(directory, 'b.crt'), certificate('b'));
      const found = await tlsSettings({
        ...plain,
        sslCertificateFile: join(directory, 'b.crt'),
        sslCertificateDirectory: directory,
      });
      expect([...(found.ca ?? [])].sort()).toEqual([certificate('a'), certificate('b')]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('are the usual ones when nothing is named', async () => {
    expect(await tlsSettings(plain)).toEqual({ rejectUnauthorized: true });
  });

  it('that are named but missing are an error that says where', async () => {
    await expect(tlsSettings({ ...plain, sslCertificateFile: '/no/where' })).rejects.toThrow('/no/where');
  });

  it('are not checked with -k', async () => {
    expect(await tlsSettings({ ...plain, acceptInsecureCertificates: true })).toEqual({
      rejectUnauthorized: false,
    });
  });
});

describe('proxy', () => {
  it('carries requests except to the hosts of NO_PROXY', async () => {
    await using target = await AnsweringServer.start(
      (_request, _count, response) => void response.end('direct'),
    );
    await using proxy = await AnsweringServer.start(
      (_request, _count, response) => void response.end('proxied'),
    );
    const proxyEnvironment = { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' };
    const agent = await createHttpAgent('http:', { ...plain, proxyEnvironment });
    const ask = async (url: string) =>
      (await sendHttp({ url: new URL(url), method: 'GET', headers: {}, timeouts, agent })).body;
    expect(await ask(target.url)).toBe('direct');
    expect(await ask('http://service.invalid/')).toBe('proxied');
    agent.destroy();
  });
});

describe('a request', () => {
  it('ends when the name or address cannot be connected in time', async () => {
    const url = new URL('https://127.0.0.1:1/');
    await expect(sendHttp({ url, method: 'GET', headers: {}, timeouts })).rejects.toMatchObject({
      name: 'HttpRequestError',
      timedOut: false,
    });
  });

  it('ends when the TLS handshake takes too long', async () => {
    const server = createServer(() => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await promise;
    const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const call = sendHttp({ url, method: 'GET', headers: {}, timeouts: { ...timeouts, tlsMs: 30 } });
    await expect(call).rejects.toMatchObject({ timedOut: true });
    await expect(call).rejects.toThrow('TLS handshake');
    server.close();
  });

  it('is ended by its signal with the signal’s reason', async () => {
    await using server = await AnsweringServer.start(() => undefined);
    const controller = new AbortController();
    const call = sendHttp({
      url: new URL(server.url),
      method: 'GET',
      headers: {},
      timeouts,
      signal: controller.signal,
    });
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });
});
