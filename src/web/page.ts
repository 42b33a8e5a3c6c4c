// The page, where it was built: files as they are, that know nothing and may be read by anybody who reaches the door. What it
// shows comes from the API, and so with the rights of whoever looks.

import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** dist/page, seen from the source or from what was built. */
export const PAGE_FOLDER = fileURLToPath(
  new URL(extname(import.meta.url) === '.ts' ? '../../dist/page/' : '../page/', import.meta.url),
);

/** Serves the folder's files if it is there. */
export async function addPage(app: FastifyInstance, folder: string): Promise<void> {
  if (!existsSync(join(folder, 'index.html'))) return;
  await app.register(fastifyStatic, {
    root: folder,
    decorateReply: false,
    dotfiles: 'ignore',
    cacheControl: false,
    etag: true,
    // What the build has put beside each file.
    preCompressed: true,
  });
}
