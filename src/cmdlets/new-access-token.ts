// New-AccessToken: a token for the Admin API. Shown once, to whoever may open the owner's socket; the server keeps a verifier.

import { Problem } from '../problem.ts';
import { describeAccessToken } from './access-token-record.ts';
import { TOKEN_ACCESS } from './access-tokens.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const newAccessToken = defineCmdlet({
  name: 'New-AccessToken',
  roles: ['hub', 'edge'],
  synopsis: 'Make a token for the Admin API',
  description:
    'It is shown here once and is kept nowhere. Without a token the API, which is there when the config has a web section, answers on loopback and a Unix socket only, and changes nothing.',
  examples: ['New-AccessToken grafana', 'New-AccessToken jo -Access ReadWrite -Lifetime 30d'],
  parameters: {
    Name: { type: 'string', required: true, help: 'Whose it is, or what for' },
    Access: { type: 'enum', choices: TOKEN_ACCESS, default: 'ReadOnly', help: 'What it allows' },
    Lifetime: { type: 'duration', help: 'How long it works; until it is removed when absent' },
  },
  positional: ['Name'],
  table: ['Name', 'Access', 'Expires', 'Token'],
  view: 'list',
  changes: true,
  localOnly: true,
  run({ accessTokens, clock, config }: ServerContext, { Name, Access, Lifetime }) {
    if (Name.trim() === '' || Name.length > 64)
      throw new Problem('bad-value', '-Name: an access token has a name of 1 to 64 characters');
    if (Lifetime !== undefined && Lifetime <= 0) throw new Problem('bad-value', '-Lifetime: it must be more than zero');
    const createdAt = clock.now();
    const facts = {
      name: Name,
      access: Access,
      createdAt,
      expiresAt: Lifetime === undefined ? undefined : new Date(createdAt.getTime() + Lifetime),
    };
    const token = accessTokens.add(facts);
    return {
      records: [{ ...describeAccessToken(facts, createdAt), Token: token }],
      notices: ['Keep it: it is not shown again. Requests carry it as "Authorization: Bearer <token>".'],
      warnings: config.web ? [] : [`There is no door to open with it: ${config.path} has no web section.`],
    };
  },
});
