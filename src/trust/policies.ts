// The ladder of policies, top rung first: the first that answers a question decides. To add a policy, write its file and
// list it here; test/contract/tls-policy.test.ts then walks it through every outcome.

import { directTrust } from './direct-trust.ts';
import { domainSecure } from './domain-secure.ts';
import { edgeSync } from './edge-sync.ts';
import { ignoreStartTls } from './ignore-starttls.ts';
import { opportunistic } from './opportunistic.ts';
import { requireTls } from './require-tls.ts';
import { senderRequiresTls } from './sender-requires-tls.ts';
import type {
  Moment,
  Outcome,
  PolicyName,
  Requirement,
  StartTlsStance,
  TlsPolicy,
  TrustQuestion,
  Verdict,
} from './tls-policy.ts';

export const POLICIES: readonly TlsPolicy[] = [
  edgeSync,
  senderRequiresTls,
  ignoreStartTls,
  directTrust,
  domainSecure,
  requireTls,
  opportunistic,
];

/** What is demanded of the next connection; asked before dialling. */
export function requirementFor(question: TrustQuestion, now: Date): Requirement {
  return policyFor(question).require(question, now);
}

/** What the outcome of STARTTLS means for a requirement; asked before any mail or credential is sent. */
export function judge(requirement: Requirement, outcome: Outcome, moment: Moment): Verdict {
  return policyNamed(requirement.policy).judge(requirement, outcome, moment);
}

/** Exchange's two switches as one value; the cmdlets refuse the contradictory pair before it can be stored. */
export function stanceOf(connector: { ignoreStartTls: boolean; requireTls: boolean }): StartTlsStance {
  if (connector.requireTls) return 'require';
  return connector.ignoreStartTls ? 'ignore' : 'opportunistic';
}

function policyFor(question: TrustQuestion): TlsPolicy {
  const policy = POLICIES.find((candidate) => candidate.answers(question));
  if (!policy) throw new Error(`no TLS policy answers ${question.purpose}/${question.stance}`);
  return policy;
}

function policyNamed(name: PolicyName): TlsPolicy {
  const policy = POLICIES.find((candidate) => candidate.name === name);
  if (!policy) throw new Error(`no TLS policy is named ${name}`);
  return policy;
}
