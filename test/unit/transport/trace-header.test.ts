import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TlsSession } from '../../../src/tls/tls-session.ts';
import {
  formatDate,
  formatNetworkMessageId,
  formatReceived,
  type ReceivedFacts,
} from '../../../src/transport/trace-header.ts';

const TLS = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' } as TlsSession;

const FACTS: ReceivedFacts = {
  helo: 'client.example.com',
  remoteAddress: '192.0.2.1',
  fqdn: 'edge01.perimeter.test',
  localAddress: '192.0.2.25',
  isEsmtp: true,
  smtpUtf8: false,
  isAuthenticated: false,
  tls: TLS,
  reason: 'tls-opportunistic',
  id: '0f6f2d6e-0000-4000-8000-000000000001',
  time: new Date('2026-01-01T12:34:56.789Z'),
  clockOffset: undefined,
};

describe('formatReceived', () => {
  it('says from where, by whom, how it was protected and when', () => {
    expect(formatReceived(FACTS).split('\r\n')).toEqual([
      'Received: from client.example.com ([192.0.2.1])',
      ' by edge01.perimeter.test ([192.0.2.25]) with ESMTPS',
      ' (version=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384) id 0f6f2d6e-0000-4000-8000-000000000001;',
      ' Thu, 01 Jan 2026 12:34:56 +0000',
      '',
    ]);
  });

  it.each<[Partial<ReceivedFacts>, string]>([
    [{ tls: undefined, reason: 'own-certificate-expired' }, '(in clear, reason=own-certificate-expired)'],
    [{ tls: undefined, reason: 'starttls-not-used' }, ' with ESMTP\r\n (in clear, reason=starttls-not-used)'],
    [{ isEsmtp: false, tls: undefined }, ' with SMTP\r\n'],
    [{ isAuthenticated: true }, ' with ESMTPSA\r\n'],
    [{ isAuthenticated: true, tls: undefined }, ' with ESMTPA\r\n'],
    [{ smtpUtf8: true }, ' with UTF8SMTPS\r\n'],
    [{ remoteAddress: '2001:db8::1' }, '([IPv6:2001:db8::1])'],
    [{ remoteAddress: 'fe80::1%eth0' }, '([IPv6:fe80::1])'],
    [{ helo: '' }, 'from unknown ('],
    [{ clockOffset: '+400d' }, '12:34:56 +0000 (clock moved +400d)\r\n'],
  ])('%j gives %s', (changes, part) => {
    expect(formatReceived({ ...FACTS, ...changes })).toContain(part);
  });

  it('stays one field, whatever a client calls itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (helo) => {
        const field = formatReceived({ ...FACTS, helo });
        expect(field).toMatch(/^Received: [\x20-\x7e]+(?:\r\n [\x20-\x7e]+)*\r\n$/);
        expect(field.split('\r\n')).toHaveLength(5);
      }),
    );
  });
});

describe('formatDate', () => {
  it('writes RFC 5322 in UTC', () => {
    expect(formatDate(new Date('2027-02-05T00:00:00Z'))).toBe('Fri, 05 Feb 2027 00:00:00 +0000');
  });
});

describe('formatNetworkMessageId', () => {
  it('is one line', () => {
    expect(formatNetworkMessageId('x')).toBe('X-MS-Exchange-Organization-Network-Message-Id: x\r\n');
  });
});
