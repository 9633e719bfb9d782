/** Where tasks find credentials and metadata; known to every AWS SDK. */
export const ENDPOINT_ADDRESS = '169.254.170.2';
/** The port that tasks call. */
export const ENDPOINT_PORT = 80;
/**
 * The port that is listened on: a listener on 80 would be in the way of containers that bind 0.0.0.0:80. The same
 * as the Amazon ECS agent's on the host (TMDS-1).
 */
export const LISTENER_PORT = 51_679;
