/** passwd and group in a layer of their own, above busybox. */
export function usersLayer() {
  return [
    { path: 'etc', type: 'directory' as const },
    {
      path: 'etc/passwd',
      type: 'file' as const,
      content: 'root:x:0:0:root:/root:/bin/sh\napp:x:1234:5678:app:/home/app:/bin/sh\n',
    },
    { path: 'etc/group', type: 'file' as const, content: 'root:x:0:\napp:x:5678:\nextra:x:7777:app\n' },
    { path: 'root', type: 'directory' as const },
    { path: 'home', type: 'directory' as const },
    { path: 'home/app', type: 'directory' as const },
  ];
}
