/** Name and version that the agent gives of itself, in the User-Agent, the ACS query and `--version`. */
export const AGENT_NAME = 'ECS containerd agent';
export const AGENT_VERSION = '0.1.0';
/** Short hash of the build; eight zeros when run from a source tree without one (acs.md §2). */
export const AGENT_HASH = process.env.ECS_AGENT_BUILD_HASH ?? '00000000';
