import { z } from '../../schema.ts';
import { cniResultSchema } from './cni-result.ts';

const text = z.string();

/** How a plugin says that it has failed (CNI specification 0.3.1 to 1.1.0, networking.md §8). */
export const cniErrorSchema = z.looseObject({
  code: z.int(),
  msg: text,
  details: z.optional(text),
});

export type CniErrorDocument = z.infer<typeof cniErrorSchema>;

export const cniVersionsSchema = z.looseObject({ supportedVersions: z.array(text) });

/** A file that says what was attached, in the format of libcni; without `result` the ADD did not come to its end. */
export const cniCacheSchema = z.looseObject({
  kind: z.literal('cniCacheV1'),
  containerId: text,
  /** The whole configuration list, base64. */
  config: text,
  ifName: text,
  networkName: text,
  netns: text,
  cniArgs: z._default(z.array(z.tuple([text, text])), []),
  capabilityArgs: z._default(z.record(text, z.unknown()), {}),
  result: z.optional(cniResultSchema),
});

export type CniCache = z.infer<typeof cniCacheSchema>;

export const cniConfigSchema = z.looseObject({
  cniVersion: text,
  name: text.check(z.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)),
  plugins: z
    .array(
      z.looseObject({
        type: text,
        capabilities: z.optional(z.record(text, z.boolean())),
        ipam: z.optional(z.looseObject({ type: z.optional(text) })),
      }),
    )
    .check(z.minLength(1)),
});

/** A configuration list; members that only plugins know are passed through. */
export type CniConfig = z.infer<typeof cniConfigSchema>;
export type CniPluginConfig = CniConfig['plugins'][number];
