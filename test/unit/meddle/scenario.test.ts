// The scenario file, and the sentence for each mistake in one.

import { describe, expect, it } from 'vitest';
import { findBroken, findBrokenCard } from '../../../src/meddle/expectation.ts';
import type { Observation } from '../../../src/meddle/observation.ts';
import { parseScenario } from '../../../src/meddle/scenario.ts';

const GOOD = `
title: The handshake is reset, and once more
faults:
  - at: clienthello
    do: reset
    connections: [1, 2]
  - { at: STARTTLS, do: terminate, toClient: { certificate: { files: { certificate: a.pem, key: a.key } } } }
expect:
  within: 5s
  connections:
    - starttls: broken
      mail: none
      never: [mail]
    - { starttls: not-used, mail: in-clear }
  card: { reason: handshake-cut, channel: plaintext }
`;

describe('a scenario', () => {
  it('is read with its defaults, points in any letter case, and files beside it', () => {
    expect(parseScenario(GOOD, '/box/reset.yaml')).toMatchObject({
      format: 1,
      tls: 'starttls',
      faults: [
        { at: { name: 'ClientHello' }, do: 'reset', connections: [1, 2], place: 'before', octets: 0 },
        { toClient: { certificate: { files: { certificate: '/box/a.pem', key: '/box/a.key' } } } },
      ],
      expect: { within: 5000, connections: [{ never: ['MAIL'] }, { mail: 'in-clear' }] },
    });
  });

  it.each([
    [
      'title: x\nfaults:\n  - at: STARTLS\n    do: cut\n',
      'line 3: faults.0.at: there is no point "STARTLS"; write connect',
    ],
    ['title: x\nfaults:\n  - at: MAIL\n    do: explode\n', 'line 4: faults.0.do: not something that can be done'],
    [
      'title: x\nfaults:\n  - at: MAIL\n    do: cut\n    speed: 3\n',
      'line 5: faults.0.speed: this key means nothing here',
    ],
    ['title: x\nfaults:\n  - do: cut\n', 'line 3: faults.0.at: this key is needed'],
    [
      'title: x\nfaults:\n  - at: MAIL\n    do: delay\n    for: soon\n',
      'line 5: faults.0.for: "soon" is not a duration',
    ],
    [
      'title: x\nexpect:\n  connections:\n    - mail: perhaps\n',
      'line 4: expect.connections.0.mail: not one of none, in-clear',
    ],
    ['title: x\nexpect:\n  connections: []\n', 'line 3: expect.connections: empty'],
    [
      'title: x\nexpect:\n  connections: [{}]\n  card: { reason: bad-luck }\n',
      'line 4: expect.card.reason: not a reason',
    ],
    ['faults: []\n', 'line 1: title: this key is needed'],
    ['title: x\nformat: 9\n', 'line 2: format: not a format that this relaypair knows'],
    ['title: x\nfaults: {\n', 'line 3: not YAML'],
    ['- a\n', 'line 1: not a list of keys and values'],
    [
      'title: x\nfaults:\n  - at: STARTTLS\n    do: terminate\n    toClient:\n      certificate: { dates: never }\n',
      'line 6: faults.0.toClient.certificate.dates: not one of in-date, expired, not-yet-valid',
    ],
  ])('that is wrong is refused with the line and the key: %j', (text, sentence) => {
    expect(() => parseScenario(text, 'box.yaml')).toThrow(
      expect.objectContaining({
        code: 'scenario-invalid',
        message: expect.stringContaining(`box.yaml ${sentence}`) as string,
      }),
    );
  });
});

describe('expectations', () => {
  const { expect: expected } = parseScenario(GOOD, 'box.yaml');
  const seen: Observation = {
    connection: 1,
    startTls: 'broken',
    mail: 'none',
    verbs: ['EHLO', 'STARTTLS'],
    endedBy: 'box',
    events: [],
  };
  const second: Observation = {
    ...seen,
    connection: 2,
    startTls: 'not-used',
    mail: 'in-clear',
    verbs: ['EHLO', 'MAIL'],
  };

  it('hold when everything is as it should be', () => {
    if (!expected?.card) throw new Error('the scenario expects something');
    expect(findBroken(expected, [seen, second])).toEqual([]);
    expect(
      findBrokenCard(expected.card, { reason: 'handshake-cut', channel: 'plaintext', outcome: 'delivered' }),
    ).toEqual([]);
  });

  it('say each thing that is not', () => {
    if (!expected?.card) throw new Error('the scenario expects something');
    expect(findBroken(expected, [{ ...seen, startTls: 'established', verbs: ['MAIL'] }])).toEqual([
      'connection 1: starttls should be broken and was established',
      'connection 1: the client said MAIL, which it never should',
      'connection 2: it never came',
    ]);
    expect(findBroken(expected, [seen, second, second])).toEqual(['2 connections were expected, and 3 came']);
    expect(findBrokenCard(expected.card, { reason: 'direct-trust', channel: 'tls' })).toEqual([
      "the card's reason should be handshake-cut and was direct-trust",
      "the card's channel should be plaintext and was tls",
    ]);
    expect(findBrokenCard(expected.card, undefined)).toEqual(['the sender wrote no decision card']);
  });
});
