/** Says what is missing of a link, then ends with the number of that line. */
const CHECK = [
  'n=0',
  'need() { n=$((n + 1)); "$@" || { echo "missing: $*"; exit $n; }; }',
  'need test "$DB_1_PORT" = "tcp://$DB_1_PORT_80_TCP_ADDR:80"',
  'need test "$DB_1_PORT_80_TCP" = "$DB_1_PORT"',
  'need test "$DB_1_PORT_80_TCP_PORT $DB_1_PORT_80_TCP_PROTO" = "80 tcp"',
  'need test "$DB_1_ENV_COLOUR" = red',
  'need test -z "$DB_1_ENV_PATH"',
  'need test "$(basename $DB_1_NAME)" = db-1',
  'need grep -Eq "^$DB_1_PORT_80_TCP_ADDR[[:space:]]+db-1 [0-9a-f]{12} ecs-linked-" /etc/hosts',
  'need wget -q -O /tmp/page http://db-1/',
  'need grep -q here /tmp/page',
].join('\n');
const SERVE =
  'mkdir -p /www && echo here >/www/index.html && httpd -p 80 -h /www; trap "exit 0" TERM; while :; do sleep 0.05; done';

/** A task whose `app` is linked to `db` by the alias `db-1`; it ends with 0 if everything of the link is there. */
export function linkedTask(image: string): Record<string, unknown> {
  const common = { image, memory: 16 };
  return {
    family: 'linked',
    networkMode: 'bridge',
    containerDefinitions: [
      { ...common, name: 'app', essential: true, links: ['db:db-1'], command: ['sh', '-c', CHECK] },
      {
        ...common,
        name: 'db',
        essential: false,
        portMappings: [{ containerPort: 80 }],
        environment: [{ name: 'COLOUR', value: 'red' }],
        command: ['sh', '-c', SERVE],
      },
    ],
  };
}
