// Run before the tests: installs the real programs that they need (requirements.json, or the list of the same form that is
// named) from Debian's packages, where they are missing and we may. Starts and enables no service. Where it cannot, it says which tests will be skipped; in CI that is an error.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const requirements = JSON.parse(readFileSync(process.argv[2] ?? new URL('requirements.json', import.meta.url), 'utf8'));
const directories = new Set([
  '/usr/bin',
  '/usr/sbin',
  '/bin',
  '/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  ...(process.env.PATH ?? '').split(':'),
]);

const listing = () =>
  [...directories].flatMap((directory) => {
    try {
      return readdirSync(directory);
    } catch {
      return []; // ENOENT, EACCES: PATH may name directories that are not there.
    }
  });

const missing = () => {
  const programs = listing();
  return Object.keys(requirements).filter((name) => {
    const pattern = new RegExp(requirements[name].program);
    return !programs.some((program) => pattern.test(program));
  });
};

const POLICY = '/usr/sbin/policy-rc.d';

/** Runs with a policy-rc.d that lets no package start its service, unless the machine has a policy of its own. */
const withoutStartingServices = (install) => {
  const ours = !existsSync(POLICY);
  // Ctrl-C ends apt-get, and then us, after the policy has been taken away again.
  const stay = () => {};
  process.on('SIGINT', stay);
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return install();
  } finally {
    if (ours) rmSync(POLICY, { force: true });
    process.off('SIGINT', stay);
  }
};

const run = (program, ...args) =>
  spawnSync(program, args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
    .status === 0;

const install = (names) => {
  const packages = names.map((name) => requirements[name].package);
  console.error(`Installing for the tests: ${packages.join(', ')} (no service is started or enabled)`);
  withoutStartingServices(() => {
    if (!run('apt-get', 'update', '-q')) console.error('apt-get update failed; trying with the lists that are there');
    return run('apt-get', 'install', '-y', '-q', '--no-install-recommends', ...packages);
  });
  // A test run must not make a machine serve on port 80 after its next boot.
  const units = names.flatMap((name) => requirements[name].units);
  if (units.length > 0 && existsSync('/run/systemd/system'))
    run('systemctl', 'disable', '-q', ...units.flatMap(expandUnit));
};

/** systemctl disable takes no pattern. */
const expandUnit = (unit) => {
  const pattern = new RegExp(`^${unit.replaceAll('.', '\\.').replace('*', '.*')}(\\.service)?$`);
  return ['/lib/systemd/system', '/usr/lib/systemd/system'].flatMap((directory) =>
    existsSync(directory) ? readdirSync(directory).filter((name) => pattern.test(name)) : [],
  );
};

let left = missing();
const mayInstall = process.getuid?.() === 0 && ['/usr/bin/apt-get', '/bin/apt-get'].some((path) => existsSync(path));
if (left.length > 0 && mayInstall) {
  install(left);
  left = missing();
}
if (left.length > 0) {
  const why = mayInstall ? 'could not be installed' : 'not installed, and installing them takes apt-get and root';
  console.error(`Missing: ${left.join(', ')} (${why}). The tests that need them are skipped, and say so.`);
  if (process.env.CI === 'true') {
    console.error('In CI nothing may be skipped.');
    process.exitCode = 1;
  }
}
