// The page, where it was built: files as they are, that know nothing and may be read by anybody who reaches the door. What it
// shows comes from the API, and so with the rights of whoever looks.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { PACKAGE_FOLDER } from '../package-folder.ts';

export const PAGE_FOLDER = join(PACKAGE_FOLDER, 'dist/page/');

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
