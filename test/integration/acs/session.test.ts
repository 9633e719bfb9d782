import { describe, expect, it } from 'vitest';
import { verifySignature } from '../../../src/control-plane/http/signature.ts';
import { until } from '../../support/until.ts';
import { ADDRESS, taskArnOf, wireTask } from '../../unit/acs/acs-world.ts';
import { messagesOf, received } from './session-server.ts';
import { INSTANCE, KEY, REGION, SessionStage, signer } from './session-stage.ts';

const frame = (type: string, message: object) => JSON.stringify({ type, message });
const heartbeat = (messageId: string) => frame('HeartbeatMessage', { healthy: true, messageId });

describe('the upgrade', () => {
  it('goes to the endpoint with every parameter of the query (ACS-05, ACS-06, ACS-07)', async () => {
    await using stage = await SessionStage.start();
    const { request } = await stage.server.connection(0);
    const url = new URL(request.url ?? '', 'http://h');
    expect(url.pathname).toBe('/acs/ws');
    expect([...url.searchParams]).toEqual([
      ['agentHash', '00000000'],
      ['agentVersion', '0.1.0'],
      ['clusterArn', 'peer'],
      ['containerInstanceArn', INSTANCE],
      ['dockerVersion', 'containerd'],
      ['protocolVersion', '2'],
      ['sendCredentials', 'true'],
      ['seqNum', '1'],
    ]);
  });

  it('is signed over host, time and token, which a server can verify (ACS-09)', async () => {
    await using stage = await SessionStage.start();
    const { request } = await stage.server.connection(0);
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const keyId = verifySignature(
      { method: 'GET', path, query, headers: request.headers, body: '' },
      { region: REGION, service: 'ecs', nowMs: Date.now(), keyOf: () => KEY },
    );
    expect(keyId).toBe(KEY.accessKeyId);
    expect(request.headers.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,');
    expect(request.headers['x-amz-content-sha256']).toBeUndefined();
  });

  it('uses the keys of the moment (ACS-10)', async () => {
    let n = 0;
    await using stage = await SessionStage.start({
      signUpgrade: (url) => {
        n += 1;
        return signer({ ...KEY, accessKeyId: `AKID${n}` }).signUpgrade(url);
      },
    });
    (await stage.server.connection(0)).webSocket.close(1000);
    const { request } = await stage.server.connection(1);
    expect(request.headers.authorization).toContain('Credential=AKID2/');
  });

  it('offers neither compression nor a subprotocol', async () => {
    await using stage = await SessionStage.start();
    const { request } = await stage.server.connection(0);
    expect(request.headers['sec-websocket-extensions']).toBeUndefined();
    expect(request.headers['sec-websocket-protocol']).toBeUndefined();
  });

  it.each([
    ['{"AccessDeniedException":"no ecs:Poll"}', 'AccessDeniedException: no ecs:Poll'],
    ['{"type":"InvalidClusterException","message":{"message":"who?"}}', 'InvalidClusterException: who?'],
    ['<html>busy</html>', 'the server refused the upgrade with status 400: <html>busy</html>'],
  ])('that is refused with %s is tried again (ACS-21, ACS-22, ACS-73)', async (body, text) => {
    await using stage = await SessionStage.start({
      discover: async () => ({ acs: stage.server.endpoint('/') }),
    });
    (await stage.server.connection(0)).webSocket.close(1008);
    stage.server.refusal = { status: 400, body };
    await until(() => stage.session.state.lastError === text, { what: `the error is "${text}"` });
    stage.server.refusal = undefined;
    await stage.server.connection(1);
  });

  it('that is refused as inactive is not tried again soon (ACS-20, OBS-43)', async () => {
    await using stage = await SessionStage.start();
    const first = await stage.server.connection(0);
    stage.server.refusal = {
      status: 400,
      body: '{"type":"InactiveInstanceException","message":{"message":"gone"}}',
    };
    first.webSocket.close(1000);
    await until(() => stage.events.includes('inactive'), { what: 'the agent was told' });
    expect(stage.session.state.connected).toBe(false);
    expect(stage.server.upgrades).toHaveLength(2);
  });

  it('that nobody listens for is tried again', async () => {
    let endpoint = 'http://127.0.0.1:1/';
    await using stage = await SessionStage.start({ discover: async () => ({ acs: endpoint }) });
    await until(() => stage.session.state.lastError?.includes('ECONNREFUSED'), {
      what: 'the attempt failed',
    });
    endpoint = stage.server.endpoint('/');
    await stage.server.connection(0);
  });
});

describe('a session', () => {
  it('answers with text frames of type and message (ACS-11, ACS-12, OBS-53)', async () => {
    await using stage = await SessionStage.start();
    const side = await stage.server.connection(0);
    side.webSocket.send(heartbeat('hb-1'));
    await received(side, 1);
    expect(side.received).toEqual(['{"type":"HeartbeatAckRequest","message":{"messageId":"hb-1"}}']);
    expect(side.oddities).toEqual([]);
  });

  it.each([
    ['text that is no JSON', 'hello', false],
    ['a message of unknown type', frame('NewMessage', {}), false],
    ['a message that does not decode', frame('PayloadMessage', { tasks: 'many' }), false],
    ['binary noise', Buffer.from([0xff, 0xfe, 0x00]), true],
    ['nothing', '', false],
  ])('drops %s and stays connected (ACS-23, ACS-74)', async (_, data, binary) => {
    await using stage = await SessionStage.start();
    const side = await stage.server.connection(0);
    side.webSocket.send(data, { binary });
    side.webSocket.send(heartbeat('hb-1'));
    expect((await received(side, 1)).map(({ type }) => type)).toEqual(['HeartbeatAckRequest']);
    expect(stage.server.connections).toHaveLength(1);
  });

  it('reads binary frames and fragments as text', async () => {
    await using stage = await SessionStage.start();
    const side = await stage.server.connection(0);
    side.webSocket.send(Buffer.from(heartbeat('binary')), { binary: true });
    const text = heartbeat('in pieces');
    side.webSocket.send(text.slice(0, 20), { fin: false });
    side.webSocket.send(text.slice(20), { fin: true });
    const answers = await received(side, 2);
    expect(answers.map(({ message }) => message.messageId)).toEqual(['binary', 'in pieces']);
  });

  it('takes a payload of 2 MiB (ACS-62)', async () => {
    await using stage = await SessionStage.start();
    const side = await stage.server.connection(0);
    const big = wireTask('big', {
      containers: [{ name: 'main', image: 'busybox', environment: { BIG: 'x'.repeat(2 * 1024 * 1024) } }],
    });
    side.webSocket.send(frame('PayloadMessage', { ...ADDRESS, tasks: [big] }));
    expect((await received(side, 1)).map(({ type }) => type)).toEqual(['AckRequest']);
    expect(stage.intake.desiredRunning()).toEqual([taskArnOf('big')]);
  });

  it('answers pings and sends none of its own (ACS-24, ACS-75)', async () => {
    await using stage = await SessionStage.start();
    const side = await stage.server.connection(0);
    const pongs: string[] = [];
    side.webSocket.on('pong', (data) => pongs.push(data.toString()));
    side.webSocket.ping('are you there');
    await until(() => pongs.length > 0, { what: 'the pong came' });
    expect(pongs).toEqual(['are you there']);
    expect(side.oddities).toEqual([]);
  });

  it('keeps the order of a burst and answers all of it', async () => {
    await using stage = await SessionStage.start();
    const side = await stage.server.connection(0);
    const ids = Array.from({ length: 500 }, (_, n) => `m-${n}`);
    for (const messageId of ids)
      side.webSocket.send(frame('PayloadMessage', { ...ADDRESS, messageId, tasks: [] }));
    const answers = await received(side, ids.length);
    expect(answers.map(({ message }) => message.messageId)).toEqual(ids);
  });
});

describe('the end of a connection', () => {
  it.each([1000, 1001, 1011])('with code %i leads to a new one at once (ACS-17, OBS-39)', async (code) => {
    await using stage = await SessionStage.start();
    stage.clock.still = true;
    (await stage.server.connection(0)).webSocket.close(code, 'bye');
    await stage.server.connection(1);
    expect(stage.clock.backoffs).toEqual([]);
  });

  it('without close frame leads to a new one at once (ACS-17, OBS-39)', async () => {
    await using stage = await SessionStage.start();
    stage.clock.still = true;
    (await stage.server.connection(0)).socket.end();
    await stage.server.connection(1);
    expect(stage.clock.backoffs).toEqual([]);
  });

  it.each([
    [
      'another close code',
      (side: { webSocket: { close(code: number): void } }) => side.webSocket.close(1008),
    ],
    ['a reset', (side: { socket: { resetAndDestroy(): void } }) => side.socket.resetAndDestroy()],
    [
      'a broken frame',
      (side: { socket: { write(bytes: Buffer): void } }) => side.socket.write(Buffer.from([0xf1, 0x00])),
    ],
  ])('by %s leads to a new one after the backoff (ACS-18)', async (_, end) => {
    await using stage = await SessionStage.start();
    const first = await stage.server.connection(0);
    end(first);
    await stage.server.connection(1);
    expect(stage.clock.backoffs).toEqual([expect.any(Number)]);
    expect(stage.clock.backoffs[0]).toBeGreaterThanOrEqual(250);
    expect(stage.clock.backoffs[0]).toBeLessThan(300);
  });

  it('asks for no credentials the second time (ACS-08, OBS-40)', async () => {
    await using stage = await SessionStage.start();
    (await stage.server.connection(0)).webSocket.close(1000);
    const { request } = await stage.server.connection(1);
    expect(new URL(request.url ?? '', 'http://h').searchParams.get('sendCredentials')).toBe('false');
  });

  it('by stop is a FIN without close frame, after what was answered (OBS-49)', async () => {
    await using stage = await SessionStage.start();
    const side = await stage.server.connection(0);
    side.webSocket.send(heartbeat('hb-1'));
    await received(side, 1);
    await stage.session.stop();
    await until(() => side.closed, { what: 'the server saw the end' });
    expect(side.closed).toBe('FIN');
    expect(messagesOf(side)).toHaveLength(1);
    expect(stage.server.upgrades).toHaveLength(1);
  });

  it('by stop does not wait for a server that leaves its side open', async () => {
    await using stage = await SessionStage.start();
    const { socket } = await stage.server.connection(0);
    socket.removeAllListeners('end');
    await stage.session.stop();
    expect(socket.writable).toBe(true);
    expect(stage.session.state.connected).toBe(false);
  });
});
