// The doors of a server once it is whole: the owner's socket, and those that the program hands in, over the same cmdlets.

import type { House } from './cmdlets/house.ts';
import { addTrustGauges } from './cmdlets/trust-gauges.ts';
import { ControlServer } from './control/server.ts';
import { controlSocketPath } from './control/socket-path.ts';
import { cautionAboutClock, type Foundation } from './server.ts';

/** Opens them and returns what the ready line says of them. */
export async function openDoors(
  { config, log, clock, parts, openWeb }: Foundation,
  inside: Omit<House, 'caution'>,
): Promise<Readonly<Record<string, string>>> {
  const house: House = { ...inside, caution: () => cautionAboutClock(clock) };
  addTrustGauges(house.context);
  const control = await ControlServer.open({ path: controlSocketPath(config.folder), ...house, log });
  parts.add(() => control.close());
  const web = await openWeb?.(house);
  if (!web) return {};
  parts.add(() => web.close());
  return { web: web.address };
}
