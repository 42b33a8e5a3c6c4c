// What stands in an Edge Subscription file, with characters in the password that XML has its own use for.

import type { SubscriptionData } from '../../src/edgesync/subscription-file.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';

/** Of EDGE01, exported at `effectiveDate` for a day. */
export async function makeSubscriptionData(effectiveDate: Date, esraPassword: string): Promise<SubscriptionData> {
  const fqdn = 'edge01.contoso.com';
  const { certificate } = await createSelfSigned({ netbiosName: 'EDGE01', fqdn, notBefore: effectiveDate });
  return {
    edgeServerName: 'EDGE01',
    edgeServerFqdn: fqdn,
    certificate,
    esraUsername: 'cn=ESRA.EDGE01,CN=Services,CN=Configuration,CN={0F2E}',
    esraPassword,
    effectiveDate,
    durationMs: 86_400_000,
    adamSslPort: 50_636,
    serverType: '',
    productId: '',
    versionNumber: 1_912_832_085,
    serialNumber: 'Version 8.1 (Build 30240.6)',
  };
}
