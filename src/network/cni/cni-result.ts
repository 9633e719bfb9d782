import { z } from '../../schema.ts';

const text = z.string();

/** What a plugin has attached (CNI specification 0.3.1 to 1.1.0, networking.md §8). Unknown members are kept. */
export const cniResultSchema = z.looseObject({
  cniVersion: text,
  interfaces: z._default(
    z.array(z.looseObject({ name: text, mac: z.optional(text), sandbox: z.optional(text) })),
    [],
  ),
  ips: z._default(
    z.array(
      z.looseObject({
        /** With its prefix length, e.g. `172.17.0.2/16`. */
        address: text,
        gateway: z.optional(text),
        interface: z.optional(z.int()),
      }),
    ),
    [],
  ),
});

export type CniResult = z.infer<typeof cniResultSchema>;
