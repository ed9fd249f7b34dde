#!/usr/bin/env node
// Starts dist/main.cjs from code that an earlier run compiled: five milliseconds less for each `status` and `keepalive`.
// The compiled code lies beside its source, where only those can put something who could change the source as well, and
// not in /tmp, where Node's own cache would be: root runs this.
'use strict';
const fs = require('node:fs');
const Module = require('node:module');
const { dirname, join } = require('node:path');
const vm = require('node:vm');

const file = join(__dirname, '../dist/main.cjs');

if (Module.enableCompileCache !== undefined) {
  // Node 22 and later can do all of this by themselves.
  Module.enableCompileCache(join(dirname(file), 'compiled'));
  require(file);
} else {
  start();
}

function start() {
  const source = fs.readFileSync(file);
  const kept = `${file}.${process.version}-${process.arch}.compiled`;
  const script = new vm.Script(Module.wrap(source.toString()), {
    filename: file,
    cachedData: compiledFrom(source, kept),
  });
  // False: V8 took it. True or undefined: it is of another V8, or there is none.
  if (script.cachedDataRejected !== false) keepOnExit(script, source, kept);
  const main = new Module(file, module);
  main.filename = file;
  require.cache[file] = main; // for the chunks, which require it
  script.runInThisContext()(main.exports, Module.createRequire(file), main, file, dirname(file));
  main.loaded = true;
}

/** The compiled code, if it was kept with this very source: V8 itself compares only the length of the source. */
function compiledFrom(source, kept) {
  try {
    const content = fs.readFileSync(kept);
    return content.subarray(0, source.length).equals(source) ? content.subarray(source.length) : undefined;
  } catch {
    return undefined; // not there, or not ours to read: it is only a matter of milliseconds
  }
}

/** Source and code in one file, so that they cannot be mixed up. Only functions that were called are in it: hence on exit. */
function keepOnExit(script, source, kept) {
  if (!process.argv.includes('status') && !process.argv.includes('keepalive')) return;
  process.once('exit', () => {
    const temp = `${kept}.${process.pid}`;
    try {
      fs.accessSync(dirname(file), fs.constants.W_OK);
      fs.writeFileSync(temp, Buffer.concat([source, script.createCachedData()]), { flag: 'wx' });
      fs.renameSync(temp, kept);
    } catch {
      // Installed by another user, or read-only: then without.
    }
  });
}
