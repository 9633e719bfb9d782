import type { AnyMessages, ContainerdApi } from './api.ts';
import type { Any__Output } from './generated/google/protobuf/Any.ts';
import { stringifyOci } from './oci/oci-json.ts';

/** Type URLs of values that containerd reads as JSON (containerd.md §1). */
export const OCI_SPEC_URL = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';
export const OCI_PROCESS_URL = 'types.containerd.io/opencontainers/runtime-spec/1/Process';
export const OCI_RESOURCES_URL = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources';

interface AnyValue {
  readonly type_url: string;
  readonly value: Buffer;
}

/** JSON text inside an Any. */
export function jsonAny(typeUrl: string, value: object): AnyValue {
  return { type_url: typeUrl, value: Buffer.from(stringifyOci(value)) };
}

/** A protobuf message inside an Any. */
export function packAny<N extends keyof AnyMessages>(
  api: ContainerdApi,
  name: N,
  value: AnyMessages[N]['in'],
): AnyValue {
  return { type_url: name, value: api.message(name).serialize(value) };
}

/** The message inside, if it is a `name`: only what is behind the last `/` of the URL counts (CTD-5). */
export function unpackAny<N extends keyof AnyMessages>(
  api: ContainerdApi,
  name: N,
  any: Any__Output | null,
): AnyMessages[N]['out'] | undefined {
  if (any === null || any.type_url.slice(any.type_url.lastIndexOf('/') + 1) !== name) return undefined;
  return api.message(name).deserialize(any.value);
}
