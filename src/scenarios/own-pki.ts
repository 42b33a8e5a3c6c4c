import { once } from 'node:events';
import { connect } from 'node:tls';
import { Authority } from '../lab/authority.ts';
import type { LabServer } from '../lab/lab-server.ts';
import type { Pair } from '../lab/pair.ts';
import type { Fact, Scenario } from './scenario.ts';

const NAMES = ['edge01.perimeter.test', 'mail.contoso.test'];

/** Request, answer, import, enable: what an administrator does with any authority. */
async function installFrom(authority: Authority, { edge }: Pair): Promise<void> {
  const asked = await edge.call('New-ExchangeCertificate', {
    GenerateRequest: '$true',
    DomainName: NAMES,
    Path: 'request.pem',
  });
  const request = asked.files?.[0]?.content.toString() ?? '';
  const answer = authority.sign(request, NAMES);
  const imported = await edge.call('Import-ExchangeCertificate', {}, { FileName: Buffer.from(answer) });
  const thumbprint = imported.records[0]?.['Thumbprint'];
  if (typeof thumbprint !== 'string') throw new Error('the certificate was imported without a thumbprint');
  await edge.call('Enable-ExchangeCertificate', { Thumbprint: thumbprint, Services: 'SMTP' });
}

/** By the chain, as anybody does who knows the root and no subscription. */
async function isTrustedByRoot(server: LabServer, rootPem: string, servername: string): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port: server.ldaps.port, ca: rootPem, servername });
  try {
    await once(socket, 'secureConnect');
    return socket.authorized;
  } finally {
    socket.destroy();
  }
}

/** Of the playing under way; each has its own. */
const authorities = new WeakMap<Pair, Authority>();

const isSignedByContoso: Fact = {
  says: 'the certificate that the Edge serves is signed by Contoso Root, and not by itself',
  holds: async ({ pair }) => {
    const certificates = await pair.ask('edge', 'Get-ExchangeCertificate');
    const current = certificates.find(({ Renewal: renewal }) => renewal === 'Current');
    const issuer = current?.['Issuer'];
    return current?.['IsSelfSigned'] === false && typeof issuer === 'string' && issuer.includes('Contoso Root');
  },
};

const isGoodForOthers: Fact = {
  says: 'somebody who knows the root and no subscription trusts the Edge by its chain, as mail.contoso.test',
  holds: async ({ pair }) => {
    const authority = authorities.get(pair);
    return authority !== undefined && isTrustedByRoot(pair.edge, authority.rootPem, 'mail.contoso.test');
  },
};

export const ownPki: Scenario = {
  name: 'own-pki',
  title: "The Edge has a certificate from the company's own PKI",
  about: [
    'Direct trust compares certificates with what the directory holds and asks nobody who signed them. So a certificate of an own authority, or a bought one, takes the place of the self-signed one by the same steps; what it gains is the trust of those who know no subscription.',
  ],
  steps: [
    {
      tells:
        'The Edge makes a key and a request, the authority signs it, and the answer is imported and enabled for SMTP. As with any new certificate of an Edge, mail waits until it is subscribed again.',
      commands: [
        'edge New-ExchangeCertificate -GenerateRequest -DomainName edge01.perimeter.test,mail.contoso.test -Path request.pem',
        'edge Import-ExchangeCertificate -FileName answer.pem',
        'edge Enable-ExchangeCertificate THUMBPRINT -Services SMTP',
      ],
      act: async ({ pair }) => {
        const authority = await Authority.create(pair.clock.now());
        authorities.set(pair, authority);
        await installFrom(authority, pair);
      },
      letters: [{ letter: 'between', becomes: 'waiting', reason: 'certificate-not-trusted' }],
      facts: [isSignedByContoso],
    },
    {
      tells: 'The new subscription file carries it to the Hub.',
      commands: [
        'edge New-EdgeSubscription -FileName edge.xml -Force',
        'hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
      ],
      act: ({ pair }) => pair.subscribe(),
      letters: [
        { letter: 'between', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
      facts: [isGoodForOthers],
    },
    {
      tells: "A chain does not make it last longer: a year later it has expired like any other, and the Hub's with it.",
      commands: ['lab clock --offset +366d'],
      act: ({ pair }) => pair.expire('hub', 'edge'),
      letters: [{ letter: 'expired', becomes: 'in clear', reason: 'own-certificate-expired' }],
    },
  ],
};
