import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TestRegistry } from './registry.ts';
import { type Blob, buildTestImage, type TestImage, type TestImageOptions } from './test-image.ts';

/** A pushed image and the names to pull it by. */
export interface PushedImage {
  /** `127.0.0.1:<port>/<name>:<tag>`. */
  readonly reference: string;
  /** `127.0.0.1:<port>/<name>@<digest>`. */
  readonly byDigest: string;
  readonly digest: string;
  readonly image: TestImage;
}

/** Pushes an image under `name`, with or without a tag (`test`, `team/test:1`); the tag is `latest` then. */
export async function pushTestImage(
  registry: TestRegistry,
  name: string,
  image: TestImage | TestImageOptions = {},
): Promise<PushedImage> {
  const built = 'top' in image ? image : buildTestImage(image);
  const [repository = '', tag = 'latest'] = name.split(':');
  for (const { manifest, config, layers } of built.manifests) {
    for (const blob of [config, ...layers]) await pushBlob(registry, repository, blob);
    await pushManifest(registry, repository, manifest.digest, manifest);
  }
  await pushManifest(registry, repository, tag, built.top);
  return {
    reference: `${registry.host}/${repository}:${tag}`,
    byDigest: `${registry.host}/${repository}@${built.top.digest}`,
    digest: built.top.digest,
    image: built,
  };
}

/** Removes a manifest from the registry by its digest, and every tag that points at it. */
export async function deleteManifest(
  registry: TestRegistry,
  repository: string,
  digest: string,
): Promise<void> {
  await send(registry, 'DELETE', `/v2/${repository}/manifests/${digest}`, 202);
}

async function pushBlob(registry: TestRegistry, repository: string, blob: Blob): Promise<void> {
  const { location = '' } = await send(registry, 'POST', `/v2/${repository}/blobs/uploads/`, 202);
  const target = new URL(location, registry.url);
  target.searchParams.set('digest', blob.digest);
  await send(registry, 'PUT', target.pathname + target.search, 201, {
    type: 'application/octet-stream',
    bytes: blob.bytes,
  });
}

async function pushManifest(
  registry: TestRegistry,
  repository: string,
  tag: string,
  { mediaType, bytes }: Blob,
): Promise<void> {
  await send(registry, 'PUT', `/v2/${repository}/manifests/${tag}`, 201, { type: mediaType, bytes });
}

/** One request; gives the answer's headers, and rejects unless it has the expected status. */
async function send(
  registry: TestRegistry,
  method: string,
  path: string,
  expected: number,
  body?: { readonly type: string; readonly bytes: Buffer },
): Promise<IncomingHttpHeaders> {
  const { user, caFile, client, url } = registry;
  const basic = user && Buffer.from(`${user.username}:${user.password}`).toString('base64');
  const options = {
    method,
    headers: {
      'content-length': body?.bytes.length ?? 0,
      ...(body && { 'content-type': body.type }),
      ...(basic && { authorization: `Basic ${basic}` }),
    },
    ...(caFile && { ca: readFileSync(caFile) }),
    ...(client && { cert: readFileSync(client.certFile), key: readFileSync(client.keyFile) }),
  };
  return await new Promise((resolve, reject) => {
    const request = (caFile === undefined ? httpRequest : httpsRequest)(url + path, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === expected) resolve(response.headers);
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${Buffer.concat(chunks)}`));
      });
    });
    request.once('error', reject);
    request.end(body?.bytes);
  });
}
