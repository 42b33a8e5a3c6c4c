// Get-ExchangeDiagnosticInfo: what this server measures of itself. One component so far: ResourceThrottling, the resources of
// back pressure with their levels.

import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const getExchangeDiagnosticInfo = defineCmdlet({
  name: 'Get-ExchangeDiagnosticInfo',
  roles: ['hub', 'edge'],
  synopsis: 'Show how short of disk, memory or time this server is',
  description:
    'The resources of back pressure as they were last measured, every two seconds. At Medium strangers are refused at MAIL with 452 4.3.1, at High everybody is; what is queued goes out at every level. The thresholds are set by backPressure in the config.',
  examples: ['Get-ExchangeDiagnosticInfo', 'Get-ExchangeDiagnosticInfo -Component ResourceThrottling --list'],
  parameters: {
    Component: { type: 'enum', choices: ['ResourceThrottling'], help: 'What to show; ResourceThrottling when absent' },
  },
  positional: [],
  table: ['Resource', 'Level', 'Pressure', 'LowToMedium', 'MediumToHigh', 'Unit'],
  changes: false,
  async run({ resources }: ServerContext) {
    return {
      records: resources.states().map(({ name, unit, level, pressure, thresholds }) => ({
        Resource: name,
        Level: level,
        Pressure: Math.round(pressure),
        LowToMedium: Math.round(thresholds.lowToMedium),
        MediumToHigh: Math.round(thresholds.mediumToHigh),
        HighToMedium: Math.round(thresholds.highToMedium),
        MediumToLow: Math.round(thresholds.mediumToLow),
        Unit: unit,
      })),
    };
  },
});
