// Whether the proxy's user gets through to the sockets: tried as that user where we are root, reckoned from the mode bits else.

import { once } from 'node:events';
import { lstatSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { Config } from '../../core/config.ts';
import { removeFile, tempPathFor } from '../../system/atomic-file.ts';
import { applySocketRights } from '../../system/socket-rights.ts';
import type { DoctorContext } from '../doctor.ts';
import { error, note, ok, type Remark } from '../finding.ts';
import { describeUser, mayConnect, mayEnter, type User, userOf } from '../proxy-user.ts';

export async function proxyAccess({
  config,
  nginx,
  proxyUser,
  status,
  system,
}: DoctorContext): Promise<readonly Remark[]> {
  if (proxyUser === null && nginx.binary === null) return [];
  const user = await userOf(proxyUser, nginx);
  if (user === null)
    return [
      error(`there is no user ${proxyUser ?? nginx.user}`, '--proxy-user NAME: the user as whom the proxy connects'),
    ];
  const who = describeUser(user);
  if (lstatSync(config.stateDir, { throwIfNoEntry: false }) === undefined) return [foretold(config, user)];

  const closed = closedDirectory(config.stateDir, user);
  if (closed !== null)
    return [
      error(
        `${who} may not enter ${closed}: nginx answers every request with 502`,
        closed === config.stateDir ? opened(config, user) : `chmod o+x ${closed}, or another stateDir`,
      ),
    ];
  // A backend's own socket, or one like it: before the first start there is none.
  await using probe = status.slots.some((slot) => slot.active && slot.state === 'ready')
    ? { path: system.paths.link, async [Symbol.asyncDispose]() {} }
    : await socketLikeOurs(config, system.paths.link);
  const refusal = await mayConnect(probe.path, user);
  if (refusal === null) return [ok(`${who} can connect to ${system.paths.link}`)];
  return [error(`${who} cannot connect to ${system.paths.link}: ${refusal}`, opened(config, user))];
}

/** From / down, the first directory that the user may not pass through: path_resolution(7). */
function closedDirectory(directory: string, user: User): string | null {
  const parts = directory.split('/').filter(Boolean);
  const all = ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
  return all.find((path) => !mayEnter(path, user)) ?? null;
}

/** What the first start will make of it: 0750, and socketGroup's. */
function foretold(config: Config, user: User): Remark {
  const ours = process.geteuid?.() ?? 0;
  if (user.uid === 0 || user.uid === ours || config.socketGroup !== null)
    return note(`whether ${describeUser(user)} can connect is to be seen after the first start`, null);
  return error(
    `${describeUser(user)} will not be able to connect: the state dir and the sockets will be this user's alone`,
    opened(config, user),
  );
}

const opened = ({ socketGroup, stateDir, file }: Config, user: User): string =>
  socketGroup === null
    ? `socketGroup: ${user.groupName} in ${file ?? 'the configuration'}; then: chgrp ${user.groupName} ${stateDir}, and \`graceful restart --all\``
    : `chgrp ${socketGroup} ${stateDir} && chmod g+x ${stateDir}; ${user.name} has to be in group ${socketGroup}`;

interface Probe extends AsyncDisposable {
  readonly path: string;
}

/** A listener with the rights that a slot's socket gets. Should we be killed, its name is one that the next operation sweeps. */
async function socketLikeOurs(config: Config, link: string): Promise<Probe> {
  const path = tempPathFor(link);
  const server: Server = createServer((socket) => socket.destroy());
  server.listen(path);
  await once(server, 'listening');
  await applySocketRights(path, config, null);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
      removeFile(path);
    },
  };
}
