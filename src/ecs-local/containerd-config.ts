/**
 * Configuration of a containerd that only serves an ECS agent: own directories, without the CRI plugin, which
 * would look for a pause image on its own.
 */
export function containerdConfig(root: string, state: string, address: string): string {
  return [
    'version = 2',
    `root = "${root}"`,
    `state = "${state}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[grpc]',
    `  address = "${address}"`,
    '',
  ].join('\n');
}
