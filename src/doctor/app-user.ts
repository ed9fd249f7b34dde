// The user as whom the app's commands run: root looks at somebody else's app.
import { lstatSync } from 'node:fs';
import type { Config } from '../core/config.ts';
import { ask } from './run-program.ts';

export interface AppUser {
  readonly uid: number;
  /** His own group. */
  readonly gid: number;
  readonly name: string;
  /** Whether that is who looks. */
  readonly isSelf: boolean;
}

/** Whom the state dir belongs to; where there is none yet, whoever looks. */
export async function appUser({ stateDir }: Config): Promise<AppUser> {
  const self = process.geteuid?.() ?? 0;
  const uid = self === 0 ? (lstatSync(stateDir, { throwIfNoEntry: false })?.uid ?? self) : self;
  const [name, , , gid] = (await ask('getent', ['passwd', String(uid)])).stdout.split(':');
  return { uid, gid: Number(gid ?? process.getegid?.() ?? 0), name: name || String(uid), isSelf: uid === self };
}
