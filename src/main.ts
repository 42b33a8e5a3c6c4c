// Where the program begins. A server runs with flags of the engine's own and begins anew for them; that comes before the rest
// is loaded, which would be loaded twice otherwise.

import { isServerStart, runAsServer } from './server-runtime.ts';

if (isServerStart(process.argv.slice(2))) runAsServer();
await import('./program.ts');
