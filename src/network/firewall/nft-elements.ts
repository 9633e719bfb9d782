import { attribute, type FilterStep, nestedAttribute, textOf, uint16BigEndian } from '../../host/netlink.ts';
import { addressBytes } from '../../host/routes.ts';
import type { PublishedPort } from './firewall.ts';

/* Numbers of linux/netfilter/nf_tables.h. */
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_DELSETELEM = 14;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NLM_F_CREATE = 0x400;

/** Steps that take `gone` out of the maps of published ports (nft-ruleset.ts) and put `come` in. */
export function elementSteps(
  table: string,
  { gone, come }: { readonly gone: readonly PublishedPort[]; readonly come: readonly PublishedPort[] },
): readonly FilterStep[] {
  return (['ip', 'ip6'] as const).flatMap((family) =>
    (['tcp', 'udp'] as const).flatMap((protocol) => {
      const steps = (type: number, flags: number, ports: readonly PublishedPort[]): readonly FilterStep[] => {
        const elements = ports
          .filter((port) => port.protocol === protocol)
          .map((port) => elementOf(port, family))
          .filter((element) => element !== undefined);
        if (elements.length === 0) return [];
        const body = Buffer.concat([
          attribute(NFTA_SET_ELEM_LIST_TABLE, textOf(table)),
          attribute(NFTA_SET_ELEM_LIST_SET, textOf(`${protocol}_ports`)),
          nestedAttribute(NFTA_SET_ELEM_LIST_ELEMENTS, ...elements),
        ]);
        return [{ type, family, flags, body }];
      };
      return [...steps(NFT_MSG_DELSETELEM, 0, gone), ...steps(NFT_MSG_NEWSETELEM, NLM_F_CREATE, come)];
    }),
  );
}

/** `hostPort : address . containerPort`; undefined where the container has no address of that family. */
function elementOf(port: PublishedPort, family: 'ip' | 'ip6'): Buffer | undefined {
  const address = family === 'ip' ? port.address4 : port.address6;
  if (address === undefined) return undefined;
  const target = Buffer.concat([
    addressBytes(address),
    // Each part of a concatenation fills whole registers of four bytes.
    uint16BigEndian(port.containerPort),
    Buffer.alloc(2),
  ]);
  return nestedAttribute(
    NFTA_LIST_ELEM,
    nestedAttribute(NFTA_SET_ELEM_KEY, attribute(NFTA_DATA_VALUE, uint16BigEndian(port.hostPort))),
    nestedAttribute(NFTA_SET_ELEM_DATA, attribute(NFTA_DATA_VALUE, target)),
  );
}
