// The configs that docs/topology.md shows are configs, and a Hub joins in the integration tests by what it shows.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../../src/config.ts';
import { joiningDirectory } from '../../helpers/site.ts';

const PAGE = readFileSync(new URL('../../../docs/topology.md', import.meta.url), 'utf8');
const BLOCKS = [...PAGE.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);

describe('docs/topology.md', () => {
  it('shows the configs of two hubs, the first of which serves its AD where the second looks for it', () => {
    const [first, second] = BLOCKS.map((text) => parseConfig(text, '/etc/relaypair/hub.yaml'));
    expect([first?.netbiosName, second?.netbiosName, BLOCKS.length]).toEqual(['HUB01', 'HUB02', 2]);
    expect(first?.directory.backend).toBe('embedded');
    expect(second?.directory).toMatchObject({
      backend: 'ldap',
      urls: [{ host: first?.fqdn, port: first?.listen.ldaps?.port }],
    });
  });

  it('shows the directory section that the hubs of the integration tests have', () => {
    const { directory } = parse(BLOCKS[1] ?? '') as { directory: object };
    const used = joiningDirectory({ hub: 'hub02', fqdn: 'hub01.corp.test', port: 636 });
    expect({ ...used, refreshInterval: '30s' }).toEqual(directory);
  });
});
