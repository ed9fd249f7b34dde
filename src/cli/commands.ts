// Every command and flag, once. Whatever has to know them (the parser, --help, completions, the man page) reads this table,
// and the parser's builders are typed by it: a command added here does not compile until it is answered for there.
import type { CommandSpec, FlagSpec, PositionalSpec } from './command-spec.ts';

/** Flags that stand before or after any command. */
export const GLOBAL_FLAGS = {
  config: {
    type: 'string',
    short: 'c',
    value: 'FILE',
    description: 'Read this configuration file instead of looking for one from the working directory upward.',
  },
  'state-dir': {
    type: 'string',
    value: 'DIR',
    description: 'Keep sockets, pid files and logs here, whatever the configuration says.',
  },
  json: { type: 'boolean', description: 'Print JSON: one line per event, and last the outcome or the failure.' },
  quiet: { type: 'boolean', short: 'q', description: 'Print nothing but failures.' },
  'no-color': { type: 'boolean', description: 'Print no colours. NO_COLOR in the environment does the same.' },
  help: {
    type: 'boolean',
    short: 'h',
    description: 'Show help, for the command if there is one, and do nothing else.',
  },
  version: { type: 'boolean', short: 'V', description: 'Show the version and do nothing else.' },
} as const satisfies Record<string, FlagSpec>;

const RELEASE = {
  type: 'string',
  value: 'RELEASE',
  description:
    'Run from this directory, absolute or relative to the configuration file; with `release: git`, from this commit, tag or branch.',
} as const satisfies FlagSpec;

const BOTH_SLOTS = {
  usage: '[a] [b]',
  choices: ['a', 'b'],
  max: 2,
  description: 'The slots to act on.',
} as const satisfies PositionalSpec;

const WAIT = {
  type: 'duration',
  value: 'DURATION',
  description: 'Wait this long for another operation to finish, then give up with exit code 4.',
  default: '60s',
} as const satisfies FlagSpec;

export const COMMANDS = {
  init: {
    summary: 'write a configuration for what is in this directory',
    description: [
      'Makes graceful.config.yaml, with a comment for each key, from the first of these that is there: a pm2 ecosystem file, supervisord.conf, a Procfile, the start script of package.json, manage.py or wsgi.py, config.ru, artisan or index.php; or else from a command.',
      'On a terminal it asks. It shows what it writes and what it could not carry over, and overwrites nothing. -c names another file to write.',
    ],
    positionals: null,
    flags: {
      command: { type: 'string', value: 'COMMAND', description: 'What starts the app, whatever is found.' },
      name: { type: 'string', value: 'NAME', description: 'The name of the app, whatever is found.' },
      'health-path': {
        type: 'string',
        value: 'PATH',
        description:
          'Check the health of a backend by HTTP at this path. Without it a backend that accepts connections is ready.',
      },
      from: {
        type: 'string',
        value: 'FILE',
        description: 'Make it from this file: one of those above, or a supervisord program section (*.conf).',
      },
      app: { type: 'string', value: 'NAME', description: 'Which app, of a file that has several.' },
      yes: { type: 'boolean', description: 'Ask nothing.' },
      force: { type: 'boolean', description: 'Overwrite a configuration that is there.' },
      print: { type: 'boolean', description: 'Only print what would be written.' },
    },
    examples: [
      { command: 'graceful init', does: 'ask, then write' },
      { command: 'graceful init --yes --health-path /healthz', does: 'ask nothing' },
      { command: 'graceful init --from ecosystem.config.js --app shop', does: 'one app out of pm2' },
      { command: 'graceful init --from /etc/supervisor/conf.d/shop.conf --print', does: 'only look' },
    ],
    exits: [0, 1, 2, 70],
  },
  setup: {
    summary: 'wire the app to nginx, cron, systemd, git or logrotate',
    description: [
      'Prints the file that this app needs there, with every path filled in. --write installs it and has it checked (nginx -t, systemd-analyze verify, logrotate -d); what does not pass is taken back. --remove takes it out again. Twice is the same as once.',
      'Only files and lines with the mark of graceful and of this configuration are ever changed or removed; other lines of a crontab or of a hook are left as they are.',
    ],
    positionals: {
      usage: 'nginx|crontab|systemd|git-hook|logrotate',
      noun: 'target',
      choices: ['nginx', 'crontab', 'systemd', 'git-hook', 'logrotate'],
      max: 1,
      description: 'What to wire the app to.',
    },
    flags: {
      write: { type: 'boolean', description: 'Install it, and have it checked.' },
      remove: { type: 'boolean', description: 'Take it out again.' },
      force: {
        type: 'boolean',
        description: 'Overwrite or remove a file that graceful did not write, or that was edited.',
      },
      to: {
        type: 'string',
        value: 'PATH',
        description: 'Another place: a file, or for systemd a directory.',
      },
      'server-name': { type: 'string', value: 'NAME', description: 'nginx: server_name.', default: '_' },
      listen: {
        type: 'string',
        value: 'ADDRESS',
        description: 'nginx: listen, such as 8080 or 127.0.0.1:8080.',
        default: '80',
      },
      variant: {
        type: 'string',
        value: 'plain|keepalive|fastcgi',
        description: 'nginx: which file to start from. fastcgi for php-fpm, else plain.',
      },
      reload: { type: 'boolean', description: 'nginx: make it reload its configuration.' },
      mode: {
        type: 'string',
        value: 'supervisor|timers',
        description: 'systemd: a service that supervises, or two timers and nothing resident.',
        default: 'supervisor',
      },
      user: { type: 'boolean', description: "systemd: for the user's own manager, without root." },
      enable: { type: 'boolean', description: 'systemd: enable and start the units.' },
      kind: {
        type: 'string',
        value: 'post-merge|post-receive',
        description:
          'git-hook: post-merge for `git pull` here, post-receive for `git push` to here. post-receive in a bare repository, else post-merge.',
      },
      repo: {
        type: 'string',
        value: 'DIR',
        description:
          'git-hook: the repository, if it is not the one that the configuration lies in: a bare one that is pushed to.',
      },
      branch: {
        type: 'string',
        value: 'NAME',
        description: 'git-hook post-receive: the branch that is deployed. The one that is checked out.',
      },
    },
    examples: [
      { command: 'graceful setup nginx --server-name shop.example.org', does: 'show what would be written' },
      {
        command: 'graceful setup nginx --server-name shop.example.org --write --reload',
        does: 'make nginx serve the app',
      },
      { command: 'graceful setup crontab --write', does: 'keepalive every minute, from your crontab' },
      { command: 'graceful setup systemd --mode timers --write --enable', does: 'the same by timers' },
      { command: 'graceful setup git-hook --write', does: 'each git pull puts the new code into service' },
      { command: 'graceful setup crontab --remove', does: 'take the lines out again' },
    ],
    exits: [0, 1, 2, 70],
  },
  start: {
    summary: 'start the app, or the named slots',
    description: [
      'Starts a backend in each named slot and waits until it is ready. With no name, starts the app: the slot that the link points to, else a.',
      'If nothing ready is active afterwards, the link is pointed to the first slot started. A slot that runs already is left alone.',
    ],
    positionals: BOTH_SLOTS,
    flags: { all: { type: 'boolean', description: 'Start both slots.' }, release: RELEASE, wait: WAIT },
    examples: [
      { command: 'graceful start', does: 'bring the app up' },
      { command: 'graceful start b', does: 'start b beside whatever is active' },
      { command: 'graceful start --all', does: 'start both slots' },
    ],
    exits: [0, 1, 2, 3, 4, 5, 70],
  },
  stop: {
    summary: 'drain slots, then stop them',
    description: [
      'Waits until the last connection to a backend has closed (at most drainTimeout), then stops it.',
      'The active slot hands its traffic to the other one first, if that is ready; if not, it is not stopped without --force. --all takes the app down on purpose: the link is removed, in-flight requests finish, and keepalive leaves the app down until the next start, update or switch.',
    ],
    positionals: BOTH_SLOTS,
    flags: {
      all: { type: 'boolean', description: 'Take the whole app down.' },
      inactive: { type: 'boolean', description: 'Stop the slots that are not active. Meant for cron.' },
      'older-than': {
        type: 'duration',
        value: 'DURATION',
        description: 'With --inactive: leave alone what has been inactive for less than this.',
      },
      force: {
        type: 'boolean',
        description: 'Stop the active slot although nothing can take over: the app is down then, as after --all.',
      },
      wait: {
        ...WAIT,
        description: `${WAIT.description} With --inactive the default is 0s, and being busy is not a failure.`,
      },
    },
    examples: [
      { command: 'graceful stop b', does: 'drain and stop b' },
      { command: 'graceful stop --all', does: 'take the app down on purpose' },
      {
        command: 'graceful -q stop --inactive --older-than 5m',
        does: 'in crontab: stop what has not been needed for 5 minutes',
      },
    ],
    exits: [0, 1, 2, 4, 5, 70],
  },
  restart: {
    summary: 'stop and start slots, at no cost to requests',
    description: [
      'Stops each slot and starts it again; a stopped one is just started. Traffic moves to the other slot first, which is started if it has to be.',
      'To put new code into service use update: it gates on health and leaves the old version warm.',
    ],
    positionals: BOTH_SLOTS,
    flags: {
      all: { type: 'boolean', description: 'Restart both slots, one after the other.' },
      inactive: { type: 'boolean', description: 'Restart the slots that are not active.' },
      wait: WAIT,
    },
    examples: [
      { command: 'graceful restart --all', does: 'restart everything, one slot at a time' },
      {
        command: 'graceful restart --inactive',
        does: 'restart the inactive slot, from the directory that it ran from',
      },
    ],
    exits: [0, 1, 2, 3, 4, 5, 70],
  },
  rollback: {
    summary: 'go back to the version before, at once while it is warm',
    description: [
      "Sends traffic back to the version that served before this one. While that is still running and ready, this is one rename(2). Else it is started again from its own directory, if that is another one than the new version's and still holds it; if not, nothing is done, and it is said what would work.",
      'Never goes forward: after a rollback, the version before is the one before that. `switch` goes either way.',
    ],
    positionals: null,
    flags: { wait: WAIT },
    examples: [
      { command: 'graceful rollback', does: 'undo the last update' },
      {
        command: 'graceful rollback --json | tail -n 1 | jq -r .outcome.how',
        does: 'for scripts: switched or started',
      },
    ],
    exits: [0, 1, 2, 4, 5, 70],
  },
  switch: {
    summary: 'send traffic to the other slot, in either direction',
    description: [
      'Points the link to a slot that is ready, in one rename(2). With no name: to the other one. A slot that is not ready is refused.',
    ],
    positionals: { usage: '[a|b]', choices: ['a', 'b'], max: 1, description: 'The slot to send traffic to.' },
    flags: { wait: WAIT },
    examples: [
      { command: 'graceful switch', does: 'send traffic to the other slot' },
      { command: 'graceful switch a', does: 'send traffic to a' },
    ],
    exits: [0, 1, 2, 3, 4, 5, 70],
  },
  status: {
    summary: 'show both slots as they are now',
    description: [
      'Asks the system, not a cache: processes, sockets, health. Takes no lock and waits for nobody. Exit code 3 if nothing ready is serving.',
    ],
    positionals: null,
    flags: {
      watch: { type: 'boolean', description: 'Show it again and again until Ctrl-C.' },
      interval: {
        type: 'duration',
        value: 'DURATION',
        description: 'With --watch: time between two looks.',
        default: '1s',
      },
    },
    examples: [
      { command: 'graceful status', does: 'one look' },
      { command: 'graceful status --watch', does: 'follow an update from another terminal' },
      { command: 'graceful status --json | jq .active', does: 'for scripts' },
      { command: 'graceful status -q || page-someone', does: 'only the exit code' },
    ],
    exits: [0, 1, 2, 3, 70],
  },
  update: {
    summary: 'put the code on disk into service, losing no request',
    description: [
      'Restarts the inactive slot with the code on disk, waits until it is ready, sends traffic there and checks through the link that it arrives. If any of this fails, traffic stays where it was.',
      'The old version stays warm, for an instant rollback.',
    ],
    positionals: null,
    flags: {
      release: RELEASE,
      'stop-old': { type: 'boolean', description: 'Drain and stop the old version too.' },
      'dry-run': {
        type: 'boolean',
        description: 'Say what would be done, check what can be checked, and change nothing.',
      },
      watch: {
        type: 'duration',
        value: 'DURATION',
        description:
          'After the switch, watch the new version for this long: if it dies or fails its health check `failures` times in a row, traffic goes back to the old one.',
      },
      wait: WAIT,
    },
    examples: [
      { command: 'graceful update', does: 'the last line of a deploy script' },
      { command: 'graceful update --dry-run', does: 'what would be stopped and started, and what has changed' },
      { command: 'graceful update --watch 30s', does: 'go back by itself if the new version fails within 30 seconds' },
      { command: 'graceful update --stop-old', does: 'where memory is short: no warm rollback' },
      { command: 'graceful update || graceful status', does: 'see what serves after a failure' },
    ],
    exits: [0, 1, 2, 3, 4, 5, 70],
  },
  keepalive: {
    summary: 'repair the app if it needs it; for cron',
    description: [
      'If the active slot is healthy there is nothing to do, quietly. Else traffic goes to the other slot if that is ready, and if not, the version that served last is started again from its own directory: it deploys nothing. After stop --all it does nothing.',
    ],
    positionals: null,
    flags: {
      wait: {
        ...WAIT,
        description:
          'Wait this long for another operation to finish. Being busy is not a failure: the next call comes soon.',
        default: '0s',
      },
    },
    examples: [
      { command: '* * * * * graceful -c /srv/app/graceful.config.json keepalive', does: 'a crontab line' },
      { command: 'graceful keepalive', does: 'after an accident: do what has to be done' },
    ],
    exits: [0, 1, 2, 3, 5, 70],
  },
  doctor: {
    summary: 'check the whole chain from the proxy to the backend',
    description: [
      'Looks at everything that an update hangs on: the configuration, the state dir and its place, the way of nginx to the sockets (the connect is tried as its user), what `nginx -T` says, who calls keepalive, leftovers, and whether connections stay with the old slot after a switch. Each finding says how to mend it; doctor itself changes nothing.',
      'As root it sees more: it can become the user of nginx for a moment. Exit code 1 if there is an error, with --strict also if there is a warning.',
    ],
    positionals: null,
    flags: {
      strict: { type: 'boolean', description: 'Exit with 1 for warnings too.' },
      'proxy-user': {
        type: 'string',
        value: 'NAME',
        description: 'The user as whom the proxy connects. By default that of nginx.',
      },
      'nginx-config': {
        type: 'string',
        value: 'FILE',
        description: "The main file of nginx's configuration, where it is not the one that nginx finds by itself.",
      },
    },
    examples: [
      { command: 'sudo graceful doctor', does: 'check everything' },
      { command: 'graceful doctor -q || page-someone', does: 'print only what has to be mended' },
      { command: 'graceful doctor --proxy-user caddy', does: 'behind another proxy than nginx' },
    ],
    exits: [0, 1, 2, 70],
  },
  history: {
    summary: 'show what was done to the app, and by whom',
    description: [
      'Every operation that changed something, failed or was refused, oldest first: when, what, where the traffic went, the release, how long it took, who asked, and why it failed. What found nothing to do is not in it.',
    ],
    positionals: null,
    flags: {
      lines: { type: 'count', short: 'n', value: 'NUMBER', description: 'Show this many, the newest.', default: '20' },
      failed: { type: 'boolean', description: 'Only what failed or was refused.' },
    },
    examples: [
      { command: 'graceful history', does: 'the last 20 operations' },
      { command: 'graceful history --failed -n 5', does: 'the last five that did not succeed' },
      { command: 'graceful history --json -n 1 | jq -r .reason', does: 'for scripts: one line of JSON for each' },
    ],
    exits: [0, 1, 2, 70],
  },
  logs: {
    summary: 'show and follow what the backends write',
    description: [
      'The last lines of the logs of both slots, or of one, each with its slot. With --follow goes on until Ctrl-C, over switches, restarts and rotation.',
    ],
    positionals: {
      usage: '[a|b]',
      choices: ['a', 'b'],
      max: 1,
      description: 'The slot whose log to show; both without.',
    },
    flags: {
      active: { type: 'boolean', description: 'Only the active slot; with --follow, whichever is active then.' },
      follow: { type: 'boolean', short: 'f', description: 'Go on with what is written from now on, until Ctrl-C.' },
      lines: {
        type: 'count',
        short: 'n',
        value: 'NUMBER',
        description: 'Begin with this many lines of each slot.',
        default: '100',
      },
    },
    examples: [
      { command: 'graceful logs -f', does: 'watch an update from another terminal' },
      { command: 'graceful logs --active -f', does: 'what the version that serves writes' },
      { command: 'graceful logs b -n 500', does: 'why b did not come up' },
      { command: 'graceful logs --json -f | jq -r .line', does: 'for scripts' },
    ],
    exits: [0, 1, 2, 70],
  },
  run: {
    summary: 'supervise one or more apps in the foreground',
    description: [
      'The long-lived host, for systemd or a container. It starts what is to be up, restarts what dies at once, and keeps its own schedule, so neither cron nor anything else has to call. The other commands hand their work over to it by themselves.',
      'SIGTERM drains and stops the backends, a second one hurries; SIGHUP rereads the configuration and updates; SIGUSR2 leaves without touching the backends. Killing it costs no request: the backends live on, and the next one adopts them.',
    ],
    positionals: null,
    flags: {
      config: {
        type: 'string',
        short: 'c',
        value: 'FILE',
        description: 'Supervise this app; may be given more than once.',
        multiple: true,
      },
      'metrics-listen': {
        type: 'string',
        value: 'HOST:PORT',
        description: 'Serve the metrics of all apps here, for Prometheus. They are on each control socket in any case.',
      },
    },
    examples: [
      { command: 'graceful run', does: 'supervise the app of this directory' },
      { command: 'graceful run -c /srv/shop/graceful.config.json -c /srv/blog/graceful.config.json', does: 'two apps' },
    ],
    exits: [0, 1, 2, 4, 70],
  },
  completion: {
    summary: 'print the completion script of a shell',
    description: [
      'Teaches bash, zsh or fish our commands, flags, slots and paths.',
      'For one session: `source <(graceful completion bash)`. For good: into a file where that shell looks.',
    ],
    positionals: {
      usage: 'bash|zsh|fish',
      noun: 'shell',
      choices: ['bash', 'zsh', 'fish'],
      max: 1,
      description: 'The shell to complete in.',
    },
    flags: {},
    examples: [
      {
        command: 'graceful completion bash',
        does: 'for good: `graceful completion bash > /etc/bash_completion.d/graceful`',
      },
      { command: 'graceful completion zsh', does: 'into a file `_graceful` in one of the directories of $fpath' },
      { command: 'graceful completion fish', does: 'into ~/.config/fish/completions/graceful.fish' },
    ],
    exits: [0, 2, 70],
  },
  front: {
    summary: 'serve the app over TCP, for trying it out',
    description: [
      'A small HTTP server in the foreground that passes each request on through the link. It shows what nginx would: updates without a lost request. Not for production.',
    ],
    positionals: null,
    flags: {
      listen: {
        type: 'string',
        value: 'HOST:PORT',
        description: 'Address to listen at. A port alone means this machine only.',
        default: '127.0.0.1:8080',
      },
    },
    examples: [
      { command: 'graceful front', does: 'then open http://127.0.0.1:8080' },
      { command: 'graceful front --listen 0.0.0.0:3000', does: 'on every interface' },
    ],
    exits: [0, 1, 2, 70],
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof COMMANDS;

/** The flags of one command, the global ones not among them. */
export type FlagName<Name extends CommandName> = keyof (typeof COMMANDS)[Name]['flags'] & string;

export type GlobalFlagName = keyof typeof GLOBAL_FLAGS;

export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];

export const isCommandName = (word: string): word is CommandName => Object.hasOwn(COMMANDS, word);
