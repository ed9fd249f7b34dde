// What `graceful setup` did, for whoever prints it.

export const TARGETS = ['nginx', 'crontab', 'systemd', 'git-hook', 'logrotate'] as const;
export type Target = (typeof TARGETS)[number];

export interface SetupOptions {
  readonly action: 'print' | 'write' | 'remove';
  readonly force: boolean;
  /** Where to, instead of the usual place: a file, for systemd a directory. */
  readonly to: string | null;
  readonly serverName: string | null;
  readonly listen: string | null;
  readonly variant: 'plain' | 'keepalive' | 'fastcgi' | null;
  readonly mode: 'supervisor' | 'timers';
  readonly user: boolean;
  readonly kind: 'post-merge' | 'post-receive' | null;
  readonly repo: string | null;
  readonly branch: string | null;
  readonly reload: boolean;
  readonly enable: boolean;
}

export interface SetupReport {
  readonly target: Target;
  readonly action: 'printed' | 'written' | 'unchanged' | 'removed' | 'absent';
  /** With the text that was, or would be, written. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** What else was done. */
  readonly did: readonly string[];
  /** What remains to be done, or to be known. */
  readonly next: readonly string[];
}
