// Apps that say what they are by the files that they are made of: Django, WSGI, Rack, PHP.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Draft, toName } from './draft.ts';
import { draftOf } from './draft-of.ts';
import { readText } from './source-file.ts';

/** Django by its manage.py, anything else by a wsgi.py with an `application` or `app` in it. */
export function fromPython(dir: string): Draft | null {
  const isDjango = existsSync(join(dir, 'manage.py'));
  const candidates = ['wsgi.py', ...subdirectories(dir).map((name) => `${name}/wsgi.py`)];
  const module = candidates.find((path) => existsSync(join(dir, path)));
  if (module === undefined) return null;
  const text = readText(join(dir, module));
  const variable =
    /^(application|app)\s*[:=]/m.exec(text)?.[1] ?? (/import\s+.*\bapp\b/.test(text) ? 'app' : 'application');
  const target = `${module.replace(/\.py$/, '').replaceAll('/', '.')}:${variable}`;
  const gunicorn = ['.venv', 'venv', 'env']
    .map((name) => `${name}/bin/gunicorn`)
    .find((path) => existsSync(join(dir, path)));
  return draftOf({
    kind: isDjango ? 'django' : 'wsgi',
    source: isDjango ? 'manage.py' : module,
    settings: { command: [gunicorn ?? 'gunicorn', target], name: toName(basename(dir)) },
    remarks: {
      command: `${gunicorn === undefined ? 'Needs gunicorn: pip install gunicorn. ' : ''}One worker process; add --workers N for more.`,
      ...(isDjango
        ? { health: 'With http, Django asks for its Host in ALLOWED_HOSTS: `host` sets it, localhost by default.' }
        : {}),
    },
  });
}

export function fromRack(dir: string): Draft {
  const withBundler = existsSync(join(dir, 'Gemfile'));
  return draftOf({
    kind: 'rack',
    source: 'config.ru',
    settings: { command: [...(withBundler ? ['bundle', 'exec'] : []), 'puma'], name: toName(basename(dir)) },
    remarks: {
      command: existsSync(join(dir, 'config/puma.rb'))
        ? 'Puma reads config/puma.rb too: there must be no pidfile in it that both slots would write.'
        : 'Needs the puma gem.',
    },
  });
}

/** Where PHP apps keep their front controller, the directory that is public by itself last. */
export const FRONT_CONTROLLERS = ['public/index.php', 'web/index.php', 'index.php'] as const;

/** A health check by a path of the app. */
export function phpHealth(path: string, dir: string) {
  const script = FRONT_CONTROLLERS.find((each) => existsSync(join(dir, each)));
  return { type: 'fastcgi' as const, path, ...(script === undefined ? {} : { script }) };
}

export function fromPhp(dir: string, isRoot: boolean): Draft {
  const program = phpFpm();
  return draftOf({
    kind: 'php',
    source: existsSync(join(dir, 'artisan'))
      ? 'artisan'
      : (FRONT_CONTROLLERS.find((path) => existsSync(join(dir, path))) ?? null),
    settings: {
      command: [program ?? 'php-fpm', '-F', '-y', PHP_FPM_CONF],
      name: toName(basename(dir)),
      health: { type: 'fastcgi', path: '/ping' },
    },
    remarks: {
      health: 'php-fpm itself answers /ping (ping.path); with a path of the app, `script` names its front controller.',
      command: `${program === null ? 'php-fpm was not found here. ' : ''}-F: in the foreground. It speaks FastCGI: \`graceful setup nginx\` knows.`,
    },
    files: [{ path: PHP_FPM_CONF, content: phpFpmConf(isRoot) }],
  });
}

/** Debian names it by its version, and keeps it where not every PATH leads. */
function phpFpm(): string | null {
  for (const directory of [...(process.env['PATH'] ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']) {
    try {
      const found = readdirSync(directory).filter((file) => /^php-fpm[0-9.]*$/.test(file));
      const newest = found.sort((one, other) => one.localeCompare(other, 'en', { numeric: true })).at(-1);
      if (newest !== undefined) return join(directory, newest);
    } catch {
      // ENOENT, EACCES: PATH may name directories that are not there.
    }
  }
  return null;
}

const PHP_FPM_CONF = 'php-fpm.graceful.conf';

/** php-fpm does not let root be the user of its workers, and any other user cannot choose. */
const phpFpmConf = (
  isRoot: boolean,
): string => `; php-fpm as a backend of graceful, which sets GRACEFUL_SOCKET. Relative scripts are those of its working directory.
[global]
daemonize = no
error_log = /dev/stderr
log_limit = 8192

[app]
listen = \${GRACEFUL_SOCKET}
listen.backlog = 511
pm = static
pm.max_children = 4
clear_env = no
ping.path = /ping
catch_workers_output = yes
${isRoot ? 'user = www-data\n' : ''}`;

const subdirectories = (dir: string): readonly string[] =>
  readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^[A-Za-z_]\w*$/.test(entry.name))
    .map(({ name }) => name)
    .sort();
