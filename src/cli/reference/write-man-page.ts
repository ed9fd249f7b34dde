// Build step: writes graceful(1) to the file named on the command line.
import { writeFileSync } from 'node:fs';
import { VERSION } from '../../version.ts';
import { manPage } from './man-page.ts';

const target = process.argv[2];
if (target === undefined) throw new Error('usage: write-man-page FILE');
writeFileSync(target, manPage(VERSION));
