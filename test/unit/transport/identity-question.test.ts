import { describe, expect, it } from 'vitest';
import { makeReceiveConnector } from '../../../src/directory/default-receive-connectors.ts';
import { showingFor } from '../../../src/transport/identity-question.ts';

describe('what a handshake shows', () => {
  it.each([
    ['STARTTLS', 'StartTls', 'published-first'],
    ['STARTTLS', 'XAnonymousTls', 'by-name'],
    ['X-ANONYMOUSTLS', 'XAnonymousTls', 'published'],
  ] as const)('by %s at a connector with %s is %s', (verb, tlsVerb, showing) => {
    expect(showingFor({ verb, tls: makeReceiveConnector({ name: 'x', tlsVerb }) })).toBe(showing);
  });
});
