import { request } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';

const healthSchema = z.looseObject({
  ok: z.boolean(),
  reasons: z.array(z.string()),
  checks: z.record(z.string(), z.looseObject({ ok: z.boolean(), reason: z.string().optional() })),
});

/** Asks an agent on its socket, which no other agent of this machine has. */
export async function getIntrospection(
  runDir: string,
  path: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return await new Promise((resolve, reject) => {
    request({ socketPath: join(runDir, 'introspection.sock'), path }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
}

/** Whether an agent is well, or ready, and why not. */
export async function healthOf(runDir: string, path: '/healthz' | '/readyz') {
  const { status, body } = await getIntrospection(runDir, path);
  return { status, ...healthSchema.parse(JSON.parse(body)) };
}
