// Every cmdlet of the table keeps the promises that the doors rely on.

import { describe, expect, it } from 'vitest';
import { faultsOf, parametersOf } from '../../src/cmdlets/cmdlet.ts';
import { CMDLETS, EDGE_CMDLETS, HUB_CMDLETS } from '../../src/cmdlets/cmdlets.ts';
import { describeType } from '../../src/cmdlets/parameters.ts';

describe.each(CMDLETS)('$name ($roles)', (cmdlet) => {
  it('is declared as the doors expect', () => {
    expect(faultsOf(cmdlet)).toEqual([]);
  });

  it('has a type and a help text for every parameter', () => {
    for (const [name, parameter] of Object.entries(parametersOf(cmdlet))) {
      expect(`${name} ${describeType(parameter)} ${parameter.help}`.length).toBeGreaterThan(name.length + 5);
    }
  });
});

describe('the table of cmdlets', () => {
  it.each([
    ['hub', HUB_CMDLETS],
    ['edge', EDGE_CMDLETS],
  ])('has each name once on a %s', (_role, cmdlets) => {
    const names = cmdlets.map(({ name }) => name.toLowerCase());
    expect(names).toEqual([...new Set(names)]);
  });

  it('has what the pair is worked with', () => {
    const hub = HUB_CMDLETS.map(({ name }) => name);
    const edge = EDGE_CMDLETS.map(({ name }) => name);
    const both = [
      ...['Get', 'New', 'Enable', 'Import', 'Export', 'Remove'].map((verb) => `${verb}-ExchangeCertificate`),
      ...['SendConnector', 'ReceiveConnector', 'AcceptedDomain'].flatMap((noun) =>
        ['Get', 'New', 'Set', 'Remove'].map((verb) => `${verb}-${noun}`),
      ),
      ...[
        'Get-TransportConfig',
        'Set-TransportConfig',
        'Get-Queue',
        'Get-Message',
        'Retry-Queue',
        'Get-MessageTrackingLog',
        'Get-EventLog',
        'Get-DecisionCard',
      ],
      ...['New-EdgeSubscription', 'Remove-EdgeSubscription', 'Test-SmtpConnectivity'],
    ];
    expect(both.filter((name) => !hub.includes(name))).toEqual([]);
    expect(both.filter((name) => !edge.includes(name))).toEqual([]);
    expect(hub).toEqual(expect.arrayContaining(['Get-EdgeSubscription', 'Start-EdgeSynchronization']));
  });
});
