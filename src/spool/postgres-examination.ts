// A look at a whole PostgreSQL spool. Other servers may be at work on it meanwhile: what is read is each message as it stands, and
// what is set aside is nobody's any more. Damage of the database itself is for PostgreSQL's own tools.

import { PostgresSpool } from './postgres-spool.ts';
import type { PostgresSpoolOptions } from './postgres-opening.ts';
import { checkMessages } from './spool-check.ts';
import { messageFinding, setAsideFinding } from './spool-findings.ts';
import type { CheckWatch, SpoolFinding, SpoolReport } from './spool.ts';

export type PostgresExaminationOptions = PostgresSpoolOptions & CheckWatch & { readonly repair: boolean };

/** Looks at everything; with `repair` it also sets aside and removes. Problems of `PostgresSpool.open`. */
export async function examinePostgres(options: PostgresExaminationOptions): Promise<SpoolReport> {
  const { repair } = options;
  const spool = await PostgresSpool.open({ ...options, isLookingOnly: !repair });
  try {
    const known = new Set((await spool.listDamaged()).map(({ id }) => id));
    const orphans = await spool.inspectFiles();
    const checked = await checkMessages(spool, options);
    const damaged = await spool.listDamaged();
    if (repair && orphans.length > 0) await spool.removeOrphans();
    return {
      ...checked,
      findings: [
        ...damaged.map((message) => {
          const isAside = repair || known.has(message.id);
          return isAside ? setAsideFinding(message) : messageFinding(message);
        }),
        ...orphans.map((orphan): SpoolFinding => ({ ...orphan, ...(repair && { action: 'removed' }) })),
      ],
    };
  } finally {
    await spool.close();
  }
}
