/** `localhost`, 127.0.0.0/8 and ::1, as they stand in a URL's host. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
