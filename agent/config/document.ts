/** docs/configuration.md, made from the table of settings (pure). A test fails when the file is not what this says. */
import { settings } from './settings.js';

export function configurationDocument(): string {
  const sections = settings.map(setting => {
    const fallback = setting.fallbackWords ?? `\`${setting.fallback}\``;
    const allowed = setting.list ? `a list, each part ${setting.allowed}` : setting.allowed;
    return [
      `## ${setting.path}`,
      '',
      setting.describe,
      '',
      `| Default | Allowed | Flag | Environment |`,
      `|---|---|---|---|`,
      `| ${fallback} | ${allowed} | \`--${setting.flag}\` | \`${setting.environment}\` |`,
      '',
    ].join('\n');
  });
  return `${head}\n${sections.join('\n')}`;
}

const head = `# Configuration of the agent

\`margay-agent\` reads \`/etc/margay/agent.yaml\` (\`--config FILE\` for another). A file that is not there is an empty one: every key has
a default. An environment variable wins over the file, a flag over both. \`margay-agent --check\` says everything that is wrong, each
with its place, and ends with 0 if nothing is. What concerns the cluster (AS numbers, peers, pools) stands in documents in the store:
see [resources.md](resources.md). A list is one in the file; in a flag or a variable its parts have commas between them.
`;
