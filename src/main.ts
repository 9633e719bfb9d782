import { AGENT_HASH, AGENT_NAME, AGENT_VERSION } from './agent-version.ts';
import { ArgumentsError, parseArguments, usage } from './config/arguments.ts';
import { runAgent } from './run-agent.ts';

/** The agent's command line: what it asks for, and the exit status (config.md §3.10). */
async function main(): Promise<number> {
  const args = parseArguments(process.argv.slice(2));
  switch (args.command) {
    case 'help':
      console.log(usage('ecs-agent'));
      return 0;
    case 'version':
      console.log(`${AGENT_NAME} - v${AGENT_VERSION} (${AGENT_HASH})`);
      return 0;
    case 'license': {
      const { readFileSync } = await import('node:fs');
      const { ownFile } = await import('./host/program-files.ts');
      console.log(readFileSync(ownFile('LICENSE'), 'utf8'));
      return 0;
    }
    case 'attributes': {
      const { printAttributes } = await import('./print-attributes.ts');
      return await printAttributes(args);
    }
    case 'healthcheck': {
      const { checkHealth } = await import('./check-health.ts');
      return await checkHealth();
    }
    case 'run':
      return await runAgent(args);
  }
}

try {
  // Whatever is still open, the agent has ended: containers and the log service are processes of their own.
  process.exit(await main());
} catch (error) {
  console.error(error instanceof ArgumentsError ? error.message : error);
  process.exit(error instanceof ArgumentsError ? error.exitCode : 1);
}
