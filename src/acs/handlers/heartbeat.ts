import type { AcsHandler } from '../handler.ts';

/** Answers at once; the health checks run beside it and go out over TCS (acs.md §9.4). */
export const handleHeartbeat: AcsHandler<'HeartbeatMessage'> = ({ messageId }, { onHeartbeat }, reply) => {
  reply({ type: 'HeartbeatAckRequest', message: { messageId } });
  onHeartbeat();
};
