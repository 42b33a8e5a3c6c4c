import { describe, expect, it } from 'vitest';
import {
  DEFAULT_TRANSPORT_CONFIG,
  type TransportConfig,
  transportConfigView,
  validateTransportConfig,
} from '../../../src/directory/transport-config.ts';

describe('transport configuration', () => {
  it('comes back from its entry as it was', () => {
    const config: TransportConfig = {
      ...DEFAULT_TRANSPORT_CONFIG,
      externalPostmasterAddress: 'postmaster@contoso.test',
      tlsSendDomainSecureList: ['a.test'],
    };
    for (const value of [DEFAULT_TRANSPORT_CONFIG, config]) {
      const { record: _record, ...read } = transportConfigView.fromEntry(transportConfigView.toEntry(value, 'CN=x'));
      expect(read).toEqual(value);
    }
  });

  it('lets the defaults pass', () => {
    expect(() => validateTransportConfig(DEFAULT_TRANSPORT_CONFIG)).not.toThrow();
  });

  it.each<[Partial<TransportConfig>, RegExp]>([
    [{ internalSmtpServers: ['mail.contoso.test'] }, /InternalSMTPServers/],
    [{ tlsReceiveDomainSecureList: ['a b'] }, /domain-secure list/],
    [{ externalPostmasterAddress: 'postmaster' }, /ExternalPostmasterAddress/],
    [{ maxSendSizeBytes: -1 }, /size/],
    [{ maxReceiveSizeBytes: 1.5 }, /size/],
    [{ maxRecipientsPerMessage: 1 }, /recipients/],
    [{ intraOrgIgnoreStartTls: true, intraOrgRequireTls: true }, /contradict/],
  ])('refuses %j', (given, sentence) => {
    expect(() => validateTransportConfig({ ...DEFAULT_TRANSPORT_CONFIG, ...given })).toThrow(
      expect.objectContaining({ code: 'bad-transport-config', message: expect.stringMatching(sentence) }),
    );
  });
});
