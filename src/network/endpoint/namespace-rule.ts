import {
  attribute,
  changeFilterHere,
  type FilterStep,
  nestedAttribute,
  textOf,
  uint16BigEndian,
  uint32BigEndian,
} from '../../host/netlink.ts';
import { ENDPOINT_ADDRESS, ENDPOINT_PORT, LISTENER_PORT } from './endpoint-address.ts';

/* Numbers of linux/netfilter/nf_tables.h. */
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_DELRULE = 8;
const NFTA_TABLE_NAME = 1;
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
const NFTA_CHAIN_TYPE = 7;
const NFTA_HOOK_HOOKNUM = 1;
const NFTA_HOOK_PRIORITY = 2;
const NFTA_RULE_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_DATA_VALUE = 1;
/** Members of the expressions meta, payload and immediate begin with the register that they load. */
const NFTA_DREG = 1;
const NFTA_META_KEY = 2;
const NFTA_PAYLOAD_BASE = 2;
const NFTA_PAYLOAD_OFFSET = 3;
const NFTA_PAYLOAD_LEN = 4;
const NFTA_IMMEDIATE_DATA = 2;
const NFTA_CMP_SREG = 1;
const NFTA_CMP_OP = 2;
const NFTA_CMP_DATA = 3;
const NFTA_NAT_TYPE = 1;
const NFTA_NAT_FAMILY = 2;
const NFTA_NAT_REG_ADDR_MIN = 3;
const NFTA_NAT_REG_PROTO_MIN = 5;
const NFT_META_L4PROTO = 16;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
const NFT_CMP_EQ = 0;
const NFT_NAT_DNAT = 1;
const NFPROTO_IPV4 = 2;
const NF_INET_LOCAL_OUT = 3;
const NF_IP_PRI_NAT_DST = -100;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const IPPROTO_TCP = 6;
const IPV4_DESTINATION = 16;
const TCP_DESTINATION = 2;

const CHAIN = 'output';
const [FIRST, SECOND] = [1, 2] as const;

/**
 * Makes the rule that leads port 80 of 169.254.170.2 to its listener in the network namespace that the thread is in, as
 * `ensureEndpointRule` does it by a program; never yields. Throws `NetlinkError`, also where the kernel has no nftables.
 */
export function makeNamespaceRule(table: string): void {
  const inTable = attribute(NFTA_RULE_TABLE, textOf(table));
  const address = Buffer.from(ENDPOINT_ADDRESS.split('.').map(Number));
  const steps: readonly FilterStep[] = [
    { type: NFT_MSG_NEWTABLE, flags: NLM_F_CREATE, body: attribute(NFTA_TABLE_NAME, textOf(table)) },
    // All rules that an earlier run made.
    { type: NFT_MSG_DELRULE, body: inTable },
    { type: NFT_MSG_NEWCHAIN, flags: NLM_F_CREATE, body: outputChain(table) },
    {
      type: NFT_MSG_NEWRULE,
      flags: NLM_F_CREATE | NLM_F_APPEND,
      body: Buffer.concat([
        inTable,
        attribute(NFTA_RULE_CHAIN, textOf(CHAIN)),
        nestedAttribute(
          NFTA_RULE_EXPRESSIONS,
          payload(NFT_PAYLOAD_NETWORK_HEADER, IPV4_DESTINATION, address.length),
          isEqual(address),
          expression('meta', number(NFTA_DREG, FIRST), number(NFTA_META_KEY, NFT_META_L4PROTO)),
          isEqual(Buffer.from([IPPROTO_TCP])),
          payload(NFT_PAYLOAD_TRANSPORT_HEADER, TCP_DESTINATION, 2),
          isEqual(uint16BigEndian(ENDPOINT_PORT)),
          immediate(FIRST, address),
          immediate(SECOND, uint16BigEndian(LISTENER_PORT)),
          expression(
            'nat',
            number(NFTA_NAT_TYPE, NFT_NAT_DNAT),
            number(NFTA_NAT_FAMILY, NFPROTO_IPV4),
            number(NFTA_NAT_REG_ADDR_MIN, FIRST),
            number(NFTA_NAT_REG_PROTO_MIN, SECOND),
          ),
        ),
      ]),
    },
  ];
  changeFilterHere(`making the rule for ${ENDPOINT_ADDRESS}`, steps);
}

function outputChain(table: string): Buffer {
  return Buffer.concat([
    attribute(NFTA_CHAIN_TABLE, textOf(table)),
    attribute(NFTA_CHAIN_NAME, textOf(CHAIN)),
    nestedAttribute(
      NFTA_CHAIN_HOOK,
      number(NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT),
      number(NFTA_HOOK_PRIORITY, NF_IP_PRI_NAT_DST),
    ),
    attribute(NFTA_CHAIN_TYPE, textOf('nat')),
  ]);
}

function payload(base: number, offset: number, length: number): Buffer {
  return expression(
    'payload',
    number(NFTA_DREG, FIRST),
    number(NFTA_PAYLOAD_BASE, base),
    number(NFTA_PAYLOAD_OFFSET, offset),
    number(NFTA_PAYLOAD_LEN, length),
  );
}

function isEqual(value: Buffer): Buffer {
  return expression(
    'cmp',
    number(NFTA_CMP_SREG, FIRST),
    number(NFTA_CMP_OP, NFT_CMP_EQ),
    nestedAttribute(NFTA_CMP_DATA, attribute(NFTA_DATA_VALUE, value)),
  );
}

function immediate(register: number, value: Buffer): Buffer {
  return expression(
    'immediate',
    number(NFTA_DREG, register),
    nestedAttribute(NFTA_IMMEDIATE_DATA, attribute(NFTA_DATA_VALUE, value)),
  );
}

function expression(name: string, ...members: readonly Buffer[]): Buffer {
  return nestedAttribute(
    NFTA_LIST_ELEM,
    attribute(NFTA_EXPR_NAME, textOf(name)),
    nestedAttribute(NFTA_EXPR_DATA, ...members),
  );
}

function number(type: number, value: number): Buffer {
  return attribute(type, uint32BigEndian(value));
}
