import { describe, expect, it } from 'vitest';
import type { ReadContainerLog } from '../../../src/metadata/introspection/log-documents.ts';
import { containerIdOf, taskIdOf } from '../../../src/task/ids.ts';
import { sampleContainerState, sampleTask } from '../store/sample-task.ts';
import { askIntrospection, introspectionSources } from './introspection-world.ts';

const TASK = sampleTask('one', { containers: [sampleContainerState('app'), sampleContainerState('side')] });
const PATH = `/v1/tasks/${taskIdOf(TASK.spec.arn)}/logs`;
const APP = containerIdOf(TASK.spec.arn, 'app', 0);

const readLog: ReadContainerLog = async function* (id, { tail, since }) {
  const name = id === APP ? 'app' : 'side';
  for (const number of [1, 2, 3].slice(-tail))
    yield { time: '2026-01-02T03:04:05.6Z', text: `${name} ${number}${since === undefined ? '' : ' since'}` };
};
const ask = (query = '', onSocket = true) =>
  askIntrospection(introspectionSources([TASK], {}, { readLog }), `${PATH}${query}`, { onSocket });

describe('logs of a task in introspection', () => {
  it('are the lines of its containers', async () => {
    expect(await ask('?tail=1')).toEqual({
      status: 200,
      contentType: 'text/plain; charset=utf-8',
      body: 'app: app 3\nside: side 3\n',
    });
    expect((await ask('?container=app&tail=2&timestamps=1')).body).toBe(
      '2026-01-02T03:04:05.6Z app 2\n2026-01-02T03:04:05.6Z app 3\n',
    );
    expect((await ask('?container=side&tail=1&since=2026-01-01T00:00:00Z')).body).toBe('side 3 since\n');
  });

  it("are dockerd's where that runs the containers, which is said", async () => {
    const sources = introspectionSources([TASK], { runtime: { name: 'docker', version: '1' } }, { readLog });
    const { status, body } = await askIntrospection(sources, PATH, { onSocket: true });
    expect(status).toBe(404);
    expect(body).toEqual({ error: 'dockerd keeps the logs of containers: docker logs CONTAINER' });
  });

  it('are for callers on the socket only: containers of host mode reach the port', async () => {
    expect((await ask('', false)).body).toEqual({
      AvailableCommands: ['/v1/metadata', '/v1/tasks', '/license'],
    });
  });

  it.each([
    ['?container=none', 404],
    ['?tail=-1', 400],
    ['?tail=x', 400],
    ['?since=yesterday', 400],
  ])('say what is wrong with %s', async (query, status) => {
    const answer = await ask(query);
    expect(answer.status).toBe(status);
    expect(answer.body).toHaveProperty('error');
  });
});
