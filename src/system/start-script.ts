// What /bin/sh does before it becomes the backend, and with several workers: instead of becoming it.

/** The descriptor of the line that says go: the first one, or the one after the socket, which has to be the first. */
export const GO_FD = { path: 3, inherit: 4 } as const;

// The shell waits for one line before it becomes the backend. If we die before the identity is on disk, the pipe closes,
// `read` fails, and nothing has been started: there is no moment in which a backend runs that nobody knows of.
const waitForGo = (fd: number): string => `read -r go <&${fd} && [ "$go" = go ] || exit 125`;

/** One backend that binds its socket itself. */
const BECOME = `${waitForGo(GO_FD.path)}; exec ${GO_FD.path}<&-; exec "$@"`;

/** One backend with the socket at descriptor 3, sd_listen_fds(3). The pid stays the same over exec. */
const INHERIT = `${waitForGo(GO_FD.inherit)}; exec ${GO_FD.inherit}<&-; export LISTEN_PID=$$; exec "$@"`;

/**
 * Workers with one socket. The shell is the leader of the slot and stays: it holds the socket, so that connects wait while
 * a worker is being replaced. Each worker has a keeper that starts it again: at once, or after a second when two in a row
 * have not lived for ten. What it exited with is told to graceful, as long as that is there; the subshell is what SIGPIPE ends when not.
 * On the stop signal the leader ends, and graceful passes the signal on to those who are left: the leader has no trap.
 */
const LEAD = `${waitForGo(GO_FD.inherit)}
uptime() { read -r now rest </proc/uptime; echo "\${now%%.*}"; }
keep() {
  index=$1; shift
  young=0
  while :; do
    born=$(uptime)
    GRACEFUL_WORKER=$index /bin/sh -c 'export LISTEN_PID=$$; exec "$@"' graceful "$@" ${GO_FD.inherit}<&-
    code=$?
    (echo "$index $code" >&${GO_FD.inherit}) 2>/dev/null
    if [ $(($(uptime) - born)) -ge 10 ]; then young=0; else young=$((young + 1)); fi
    [ "$young" -lt 2 ] || sleep 1
  done
}
left=$1; shift
while [ "$left" -gt 0 ]; do
  left=$((left - 1))
  keep "$left" "$@" &
done
wait`;

/** Arguments of /bin/sh for a backend. */
export function startScript(
  argv: readonly string[],
  { inherits, workers }: { readonly inherits: boolean; readonly workers: number },
): readonly string[] {
  if (!inherits) return ['-c', BECOME, 'graceful', ...argv];
  return workers === 1 ? ['-c', INHERIT, 'graceful', ...argv] : ['-c', LEAD, 'graceful', String(workers), ...argv];
}
