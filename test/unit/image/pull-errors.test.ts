import { describe, expect, it } from 'vitest';
import { UnsupportedImageError } from '../../../src/image/manifest.ts';
import { imageError, pullHint, redactEcrUrls } from '../../../src/image/pull-errors.ts';
import { describeErrorBody, RegistryError } from '../../../src/image/registry/registry-error.ts';
import { TaskError } from '../../../src/task/errors.ts';

const IMAGE = '123456789012.dkr.ecr.us-west-2.amazonaws.com/app:1';
const answered = (status: number, code: string, message: string) =>
  new RegistryError({
    host: 'registry.example',
    repository: 'app',
    status,
    ...describeErrorBody(status, JSON.stringify({ errors: [{ code, message }] })),
  });
const pulling = (error: unknown) => imageError('CannotPullContainerError', IMAGE, error, false).message;

describe('the hint before a pull error', () => {
  it('is about permissions when ECR denies BatchGetImage (ENG-26)', () => {
    const said =
      'User: arn:aws:sts::1:assumed-role/r/i is not authorized to perform: ecr:BatchGetImage on resource: x';
    const text = pulling(answered(403, 'DENIED', said));
    expect(text).toMatch(
      /^The image cannot be pulled: check that the role .* permissions to pull from the registry\. pulling /,
    );
    expect(text).toContain(`denied: ${said}`);
  });

  it('is about existence when access to the resource is denied (ENG-27)', () => {
    const text = pulling(answered(401, 'DENIED', 'requested access to the resource is denied'));
    expect(text).toMatch(
      /^The image cannot be pulled: check that the repository and the tag exist .*\. pulling /,
    );
    expect(text).toContain('denied: requested access to the resource is denied');
  });

  it('is about the network when a connection was waited for in vain (ENG-28)', () => {
    const text = pulling(new Error('net/http: request canceled while waiting for connection'));
    expect(text).toMatch(
      /^The image cannot be pulled: check the network configuration .*\. pulling .* request canceled/,
    );
  });

  it.each([
    [undefined, 'ETIMEDOUT', /network configuration/],
    [undefined, 'TLS', /certificate/],
    [undefined, 'NO_TLS', /certificate/],
    [401, 'UNAUTHORIZED', /registry credentials/],
    [403, 'DENIED', /permissions/],
    [404, 'NAME_UNKNOWN', /repository and the tag exist/],
    [429, 'TOOMANYREQUESTS', /limits requests/],
    [500, 'UNKNOWN', /has a fault/],
  ])('for status %s and code %s says what to do', (status, code, hint) => {
    const failure = {
      host: 'h',
      repository: 'r',
      code,
      detail: 'd',
      ...(status === undefined ? {} : { status }),
    };
    expect(pullHint(new RegistryError(failure))).toMatch(hint);
  });

  it('is about the disk when there is no room, and about the image when it cannot run', () => {
    expect(pullHint(new Error('write /var/x: no space left on device'))).toMatch(/free disk space/);
    expect(pullHint(new UnsupportedImageError('x'))).toMatch(/cannot run here/);
    expect(pullHint(new Error('else'))).toBeUndefined();
  });
});

describe('an image error', () => {
  it('names image, registry and status, and keeps its cause', () => {
    const cause = answered(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    const error = imageError('CannotPullImageManifestError', IMAGE, cause, false);
    expect(error).toMatchObject({ code: 'CannotPullImageManifestError', retryable: false, cause });
    expect(error.message).toContain(
      `asking for the manifest of ${IMAGE}: registry registry.example answered 404: manifest unknown: manifest unknown`,
    );
  });

  it('that has its name already is passed on', () => {
    const error = new TaskError('DockerTimeoutError', 'x');
    expect(imageError('CannotPullContainerError', IMAGE, error, false)).toBe(error);
  });

  it('shows no pre-signed ECR layer URL (ENG-29)', () => {
    const url =
      'https://prod-us-west-2-starport-layer-bucket.s3.us-west-2.amazonaws.com/1/sha?X-Amz-Signature=abc';
    const text = pulling(new Error(`Get "${url}": dial tcp 1.2.3.4:443: i/o timeout`));
    expect(text).not.toMatch(/https|Signature|starport/);
    expect(text).toContain(`Get REDACTED ECR URL related to ${IMAGE} dial tcp 1.2.3.4:443: i/o timeout`);
    expect(redactEcrUrls(`(${url}) and ${url}`, 'a')).toBe(
      '(REDACTED ECR URL related to a and REDACTED ECR URL related to a',
    );
  });
});
