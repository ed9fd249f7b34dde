import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { defineConfig, type GracefulConfigInput } from '../../src/config/define-config.ts';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { workspace } from './workspace.ts';

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(jsonSchema());

const valid: GracefulConfigInput[] = [
  { command: ['node', 'server.js'] },
  defineConfig({
    $schema: './x.json',
    command: 'node server.js',
    socketMode: '0660',
    health: { type: 'connect', timeout: '1s' },
  }),
  {
    command: 'x',
    health: { type: 'http', path: '/up', status: [200, '300-399'], host: 'example.org' },
    startTimeout: 500,
  },
  { command: 'x', health: { type: 'http', status: 204 } },
  { command: 'x', health: [{ type: 'notify', successes: 2 }, { type: 'ipc' }] },
  { command: 'x', health: [{ type: 'connect' }, { type: 'exec', command: 'check', warmup: 2 }] },
  { command: 'x', health: { type: 'exec', command: ['check'] }, stopSignal: 'SIGINT', drainTimeout: '1.5s' },
  {
    command: 'x',
    env: { A: 'a', B: 1, C: true, D: null },
    envFile: '.env',
    hooks: { beforeStart: 'x y', afterFailure: ['x'] },
  },
  { command: 'x', schedule: { keepalive: null, stopInactive: false, stopInactiveOlderThan: '1h', timeZone: 'UTC' } },
  { command: 'x', schedule: { keepalive: '@hourly', stopInactive: '0 */5 * * * MON-FRI' } },
];

const invalid: object[] = [
  {},
  { command: [] },
  { command: 'x', unknown: 1 },
  { command: 'x', name: '../x' },
  { command: 'x', startTimeout: '60 sekunden' },
  { command: 'x', socketMode: 'rw' },
  { command: 'x', env: { A: [] } },
  { command: 'x', health: { type: 'connect', path: '/' } },
  { command: 'x', health: { type: 'exec' } },
  { command: 'x', health: [] },
  { command: 'x', health: { type: 'notify', timeout: '1s' } },
  { command: 'x', health: [{ type: 'connect' }, { type: 'exec' }] },
  { command: 'x', schedule: { keepalive: 'often' } },
  { command: 'x', hooks: { after: 'x' } },
];

test('what can be loaded is valid for an editor', async () => {
  for (const config of valid) {
    using files = workspace({ 'graceful.config.json': config });
    await files.load();
    assert.ok(validate(config), `${JSON.stringify(config)} ${JSON.stringify(validate.errors)}`);
  }
});

test('what an editor marks cannot be loaded', async () => {
  for (const config of invalid) {
    using files = workspace({ 'graceful.config.json': config });
    await files.failure();
    assert.equal(validate(config), false, JSON.stringify(config));
  }
});

type Node = { properties?: Record<string, Node & { description?: string }>; [key: string]: unknown };

test('every key has a description, and no object takes unknown keys', () => {
  const missing: string[] = [];
  let objects = 0;
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties, ...rest } = node as Node;
    if (properties !== undefined) {
      objects += 1;
      assert.equal(rest['additionalProperties'], false, path);
      for (const [key, property] of Object.entries(properties)) {
        if (!property.description) missing.push(`${path}.${key}`);
        visit(property, `${path}.${key}`);
      }
    }
    for (const [key, value] of Object.entries(rest)) visit(value, `${path}/${key}`);
  };
  visit(jsonSchema(), '');
  assert.deepEqual(missing, []);
  assert.equal(objects, 16);
});

test('the schema is draft-07, has a title and states the defaults as they are written', () => {
  const schema = jsonSchema() as {
    $schema: string;
    title: string;
    required: string[];
    properties: Record<string, { default: unknown }>;
  };
  assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#');
  assert.equal(schema.title, 'graceful configuration');
  assert.deepEqual(schema.required, ['command']);
  const { name, stateDir, socketMode, startTimeout, health } = schema.properties;
  assert.deepEqual(
    [name, stateDir, socketMode, startTimeout, health].map((property) => property?.default),
    ['app', 'var/run', '0660', '60s', { type: 'connect' }],
  );
});
