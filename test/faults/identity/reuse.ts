// Pids that are given again, and pids of the dead that still answer.
import { inRepo } from '../../rig/paths.ts';
import { everyNth } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';
import { tellInNamespace } from './namespace.ts';

const COMMANDS = [
  ['update'],
  ['start', '--all'],
  ['stop', '--all'],
  ['restart', '--all'],
  ['stop', '--inactive'],
  ['switch'],
  ['keepalive'],
  ['status'],
  ['run'],
];
const DEAD = [
  'a backend',
  'both backends, one after the other',
  'a lock holder',
  'a hook',
  'a worker of a backend',
  'a backend that is being stopped',
];
const ZOMBIES = ['a backend', 'both backends', 'a lock holder', 'a lock holder and its hook'];

export function reuseCases(form: Form): readonly Case[] {
  process.env['SHAPES'] = inRepo('test/faults/identity/shapes.py');
  const all = [...reused(), ...zombies()];
  return form === 'long' ? all : everyNth(all, 31, 'reuse');
}

function* reused(): Iterable<Case> {
  for (const who of DEAD)
    for (const slot of ['a', 'b'])
      for (const leader of ['leads a session', 'is in a session'])
        for (const command of COMMANDS)
          yield {
            row: `a stranger has the pid of ${who}`,
            name: `a stranger that ${leader} has the pid of ${who} (${slot}): ${command.join(' ')}`,
            tried: ['I1', 'I3', 'I5', 'I6', 'I7', 'clear'],
            run: () => tellInNamespace('reaps', 'reused-pid-story', who, slot, leader, ...command),
          };
}

function* zombies(): Iterable<Case> {
  for (const who of ZOMBIES)
    for (const slot of ['a', 'b'])
      for (const command of COMMANDS)
        yield {
          row: 'zombies under a PID 1 that does not reap',
          name: `zombie, ${who} (${slot}): ${command.join(' ')}`,
          tried: ['I1', 'I3', 'I5', 'I6', 'I7', 'clear'],
          run: () => tellInNamespace('never reaps', 'zombie-story', who, slot, ...command),
        };
}
