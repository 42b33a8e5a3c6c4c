// The page of a pair that `relaypair up --page` has brought up: the door of the laboratory opened, a token for each server made, and the
// one address said.

import { join } from 'node:path';
import type { Endpoint, Role } from '../config.ts';
import type { AskServer } from '../control/lab-clocks.ts';
import type { LaboratoryDoor, LaboratoryWish, UpOptions, World } from './doors.ts';
import { type Addresses, EDGE_FQDN, writeConfigs } from './pair-config.ts';
import { makeToken, originOf, pageAddress, type PageAddresses } from './pair-page.ts';

export interface PageOptions extends UpOptions {
  readonly openLaboratory: (wish: LaboratoryWish) => Promise<LaboratoryDoor>;
}

export interface OpenedPage {
  /** With the tokens behind the "#": for whoever started the pair, and for no log. */
  readonly address: string;
  close(): Promise<void>;
}

/** To be called once both servers run. Throws Problem `listen-failed`. */
export async function openPage(
  options: PageOptions,
  addresses: Addresses & { readonly page: PageAddresses },
  { ask, world }: { readonly ask: AskServer; readonly world: World | undefined },
): Promise<OpenedPage> {
  const { dir, acceptedDomains } = options;
  const { hub, edge, page } = addresses;
  const diverted: Partial<Record<Role, Endpoint | undefined>> = {};
  const laboratory = await options.openLaboratory({
    listen: page.laboratory,
    allowedOrigins: [originOf(page.hub), originOf(page.edge)],
    tokenFile: join(dir, 'laboratory-tokens.json'),
    logFile: join(dir, 'laboratory.log'),
    ask,
    entrances: { hub, edge },
    domain: acceptedDomains[0] ?? EDGE_FQDN,
    divert: async (role, place) => {
      diverted[role] = place;
      writeConfigs(options, addresses, { world, diverted });
      await ask(role === 'hub' ? 'edge' : 'hub', 'Update-Configuration', {});
    },
  });
  const tokens = {
    hub: await makeToken(ask, 'hub'),
    edge: await makeToken(ask, 'edge'),
    laboratory: laboratory.token,
  };
  return { address: pageAddress(page, EDGE_FQDN, tokens), close: () => laboratory.close() };
}
