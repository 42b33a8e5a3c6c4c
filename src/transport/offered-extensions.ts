// The extensions that a Receive connector offers, by its switches (exchange: Set-ReceiveConnector). Pure.

import type { ReceiveConnector } from '../directory/receive-connector.ts';
import type { CommonExtension } from '../smtp/parameters.ts';
import type { Offer } from '../smtp/session-policy.ts';

type ExtensionOffer = Pick<Offer, 'hidesSizeLimit' | 'chunking' | 'binaryMime' | 'withheld'>;

export function offeredExtensions(connector: ReceiveConnector): ExtensionOffer {
  const switches: readonly (readonly [CommonExtension, boolean])[] = [
    ['SIZE', connector.sizeEnabled !== 'Disabled'],
    ['PIPELINING', connector.pipeliningEnabled],
    ['DSN', connector.deliveryStatusNotificationEnabled],
    ['ENHANCEDSTATUSCODES', connector.enhancedStatusCodesEnabled],
    ['8BITMIME', connector.eightBitMimeEnabled],
    ['SMTPUTF8', connector.smtpUtf8Enabled],
  ];
  return {
    hidesSizeLimit: connector.sizeEnabled === 'EnabledWithoutValue',
    chunking: connector.chunkingEnabled,
    binaryMime: connector.binaryMimeEnabled,
    withheld: switches.filter(([, isOffered]) => !isOffered).map(([extension]) => extension),
  };
}
