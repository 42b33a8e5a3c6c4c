// Whose data a folder holds. A server that a slip in its config starts on another's folder would put its own objects beside
// the other's in the directory, and then neither could start; so the first server in a folder signs it.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import { writeFileDurably } from './files.ts';

const FORMAT = 1;
const FILE_NAME = 'server.json';

/** What may lie in a folder that is to become a server's: its own parts, configs, a subscription file that was brought. */
const OWN_NAME =
  /^(?:certificates|crash|directory|keys|logs|spool|(?:control|web)\.sock|hub|edge|lost\+found|.*\.(?:ya?ml|json|xml|log))$/;

export interface FolderOwner {
  readonly role: 'hub' | 'edge';
  /** NetBIOS name. */
  readonly name: string;
}

const signatureFormat = z.object({ format: z.int(), role: z.enum(['hub', 'edge']), name: z.string() });

/** Whether a file or folder of this name can be a server's own. */
export function isServerData(name: string): boolean {
  return OWN_NAME.test(name);
}

/**
 * Signs the folder at first start, and insists on the same server later. Call it with the folder locked. Throws Problem
 * `folder-of-another-server`, `format-too-new` or `folder-unusable`.
 */
export function signFolder(folder: string, owner: FolderOwner): void {
  const path = join(folder, FILE_NAME);
  if (!existsSync(path)) {
    writeFileDurably(path, `${JSON.stringify({ format: FORMAT, ...owner }, undefined, 2)}\n`);
    return;
  }
  const { role, name } = readSignature(path);
  if (role === owner.role && name === owner.name) return;
  throw new Problem(
    'folder-of-another-server',
    `${folder} holds the data of the ${role} ${name}, and the config is of the ${owner.role} ${owner.name}: name another folder, or correct role, fqdn or netbiosName`,
  );
}

function readSignature(path: string): FolderOwner {
  const signature = signatureFormat.safeParse(parseJson(readFileSync(path, 'utf8')));
  if (!signature.success) {
    throw new Problem('folder-unusable', `${path} is damaged: remove it if the folder is this server's own`);
  }
  if (signature.data.format <= FORMAT) return signature.data;
  throw new Problem(
    'format-too-new',
    `${path} has format ${signature.data.format}, this relaypair knows up to ${FORMAT}: start the newer relaypair that wrote it`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
