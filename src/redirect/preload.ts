// `listen: redirect`: loaded by every Node of a backend before its own code (NODE_OPTIONS), also by npm and the like, which
// listen nowhere. A file of its own, which imports nothing of ours and never is the reason that an app does not start.
import { redirectListen, say } from './listen.ts';

const { GRACEFUL_SOCKET: socket } = process.env;
try {
  if (socket) redirectListen(socket);
} catch (error) {
  say(error);
}
