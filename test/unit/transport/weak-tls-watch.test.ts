import { describe, expect, it } from 'vitest';
import type { ServerEvent } from '../../../src/tracking/events.ts';
import { DEFAULT_TRANSPORT_CONFIG } from '../../../src/directory/transport-config.ts';
import type { Organisation } from '../../../src/transport/organisation.ts';
import { watchWeakTls } from '../../../src/transport/weak-tls-watch.ts';
import { connector, makeOrganisation, receiveConnector } from './organisation-fixtures.ts';

describe('weak TLS', () => {
  it('is said at the start and after each change, of every connector that allows it and no other', () => {
    const recorded: ServerEvent[] = [];
    let organisation: Organisation = makeOrganisation({
      receiveConnectors: [
        receiveConnector({ name: 'Sound' }),
        receiveConnector({ name: 'Old', tlsMinimumVersion: 'Tls10' }),
      ],
      sendConnectors: [connector('Out', ['*'], { tlsCipherSuites: ['AES128-SHA'] })],
    });
    let change = (): void => undefined;
    const stop = watchWeakTls({
      events: { record: (event) => void recorded.push(event) },
      organisation: () => organisation,
      onChange: (listener) => {
        change = listener;
        return () => {
          change = () => undefined;
        };
      },
    });
    expect(recorded.map(({ id, level, facts }) => [id, level, facts['connector'], facts['weakness']])).toEqual([
      [30_350, 'Warning', 'Old', 'TLS 1.0'],
      [30_350, 'Warning', 'Out', 'AES128-SHA'],
    ]);
    recorded.length = 0;
    organisation = makeOrganisation({
      transportConfig: { ...DEFAULT_TRANSPORT_CONFIG, intraOrgTlsMinimumVersion: 'Tls11' },
    });
    change();
    expect(recorded.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^The connector "Intra-Organization SMTP Send Connector" allows TLS that can be broken: TLS 1\.1\. /,
      ),
    ]);
    stop();
    recorded.length = 0;
    change();
    expect(recorded).toEqual([]);
  });
});
