// RequireTLS towards a stranger: any TLS will do, but without TLS the message waits. It never bounces for it (event 2015).

import { defer, EVENT, proceedInTls, type TlsPolicy } from './tls-policy.ts';
import { reasonWithoutTls } from './opportunistic.ts';

export const requireTls: TlsPolicy = {
  name: 'require-tls',
  answers: (question) => question.purpose === 'mail' && question.stance === 'require' && question.peer === undefined,
  require: (question) => ({ policy: 'require-tls', question, authenticate: false, startTls: 'attempt' }),
  judge: (_requirement, outcome) =>
    outcome.kind === 'established'
      ? proceedInTls('tls-opportunistic', 'require-tls')
      : defer(reasonWithoutTls(outcome), 'require-tls', [EVENT.tlsRequiredFailed]),
};
