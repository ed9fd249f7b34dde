// A file of nginx/ with this app's names, address and link in it.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { AppFacts } from './app-facts.ts';
import { FRONT_CONTROLLERS } from './init/from-frameworks.ts';
import { replaced, template } from './templates.ts';

export type Variant = 'plain' | 'keepalive' | 'fastcgi';

/** php-fpm speaks FastCGI, and an app that is called so does. */
export const variantFor = ({ config }: AppFacts): Variant =>
  config.name === 'fastcgi' || /^php-fpm/.test(basename(config.command[0] ?? '')) ? 'fastcgi' : 'plain';

export interface NginxAddress {
  readonly listen: string;
  readonly serverName: string;
}

export function nginxText(facts: AppFacts, variant: Variant, { listen, serverName }: NginxAddress): string {
  // What a person who copies the file has to change is changed already.
  let text = template(`nginx/graceful-${variant}.conf`).replace(/^#\n# Copy it to [^\n]*\n(?:# [^\n]*\n)*/m, '');
  text = replaced(text, 'listen 80;', `listen ${listen};`);
  text = replaced(text, 'server_name app.example.org;', `server_name ${serverName};`);
  text = replaced(text, /unix:\/run\/app\/\w+\.socket/, `unix:${facts.link}`);
  text = text.replace(/^(#.*) (?:app|fastcgi)\.socket/gm, (_, before: string) => `${before} ${facts.name}.socket`);
  const id = facts.name.replace(/\W/g, '_');
  // Two apps side by side: each has its own upstream and its own variable.
  if (variant === 'keepalive')
    text = replaced(
      replaced(text, 'upstream app {', `upstream graceful_${id} {`),
      'http://app;',
      `http://graceful_${id};`,
    );
  if (variant === 'fastcgi') return forFastCgi(text, facts);
  return text.replaceAll(/\$graceful_(?=(?:kept_)?connection)/g, `$graceful_${id}_`);
}

function forFastCgi(text: string, { config }: AppFacts): string {
  const script = FRONT_CONTROLLERS.find((path) => existsSync(join(config.cwd, path)));
  if (script !== undefined) return replaced(text, 'SCRIPT_FILENAME public/index.php', `SCRIPT_FILENAME ${script}`);
  const scripts = /fastcgi_param SCRIPT_FILENAME [^\n]*\n\s*fastcgi_param SCRIPT_NAME [^\n]*/;
  return replaced(text, scripts, "fastcgi_param PATH_INFO       $uri;\n        fastcgi_param SCRIPT_NAME     '';");
}
