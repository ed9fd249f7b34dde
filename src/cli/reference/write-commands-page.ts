// `npm run docs:commands`: writes docs/commands.md, which a test holds to the command table.
import { writeFileSync } from 'node:fs';
import { commandsPage } from './commands-page.ts';

const target = process.argv[2];
if (target === undefined) throw new Error('usage: write-commands-page FILE');
writeFileSync(target, commandsPage());
