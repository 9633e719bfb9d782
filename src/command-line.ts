import { AGENT_HASH, AGENT_NAME, AGENT_VERSION } from './agent-version.ts';
import { parseArguments, usage } from './config/arguments.ts';

/** Does what the agent's command line asks for; gives the exit status (config.md §3.10). Throws `ArgumentsError`. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const args = parseArguments(argv);
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
    case 'run': {
      const { runAgent } = await import('./run-agent.ts');
      return await runAgent(args);
    }
  }
}
