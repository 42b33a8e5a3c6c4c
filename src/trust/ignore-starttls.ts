// IgnoreSTARTTLS: the connector's owner says that TLS is never tried. On the pair the two still prove who they are.

import { proceedInClear, type TlsPolicy } from './tls-policy.ts';

export const ignoreStartTls: TlsPolicy = {
  name: 'ignore-starttls',
  answers: (question) => question.purpose === 'mail' && question.stance === 'ignore',
  require: (question) => ({
    policy: 'ignore-starttls',
    question,
    authenticate: question.peer !== undefined,
    startTls: 'never',
    reason: 'starttls-ignored',
  }),
  judge: (requirement) =>
    proceedInClear('starttls-ignored', 'ignore-starttls', requirement.authenticate ? 'SCRAM-SHA-256' : undefined),
};
