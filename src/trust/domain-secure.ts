// Domain security (exchange: DomainSecureEnabled, TLSSendDomainSecureList): both organisations have agreed that mail between them
// crosses the Internet in TLS in which both ends prove who they are. The server must show a certificate of a trusted authority
// for the recipient's domain, and is shown this server's own. Whatever is wrong lets the mail wait: it never bounces for it
// before its time is up, and never goes in clear.

import { reasonWithoutTls } from './opportunistic.ts';
import { defer, EVENT, proceedInTls, type TlsPolicy } from './tls-policy.ts';
import { verificationFault } from './verification.ts';

const RULE = 'domain-secure';

export const domainSecure: TlsPolicy = {
  name: RULE,
  answers: ({ purpose, stance, peer }) => purpose === 'mail' && stance === 'domain-secure' && peer === undefined,
  require: (question) => ({ policy: RULE, question, authenticate: false, startTls: 'attempt' }),
  judge: ({ question: { names = [] } }, outcome, { now }) => {
    const isSecured = outcome.kind === 'established';
    const fault = isSecured ? verificationFault(outcome.session, names, now) : reasonWithoutTls(outcome);
    return fault ? defer(fault, RULE, isSecured ? [] : [EVENT.tlsRequiredFailed]) : proceedInTls('tls-verified', RULE);
  },
};
