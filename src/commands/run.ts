// `graceful run`: wires the supervisor to signals, systemd, the journal and, on request, a port for Prometheus.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '../cli/invocation.ts';
import { journal } from '../cli/renderers/journal.ts';
import { listenForControl } from '../control/server.ts';
import type { Config } from '../core/config.ts';
import { Supervisor } from '../hosts/supervisor/supervisor.ts';
import { openNotifier } from '../system/notify.ts';

export interface RunOptions {
  readonly configs: readonly Config[];
  reread(config: Config): Promise<Config>;
  readonly metricsListen: ListenAddress | null;
  readonly json: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Supervises until a signal ends it. @throws whatever keeps it from starting. */
export async function run({ configs, reread, metricsListen, json, env, stdout, stderr }: RunOptions): Promise<void> {
  stderr.on('error', () => undefined); // a full disk behind it is no reason to end
  const notifier = openNotifier(env, (reason) => stderr.write(`graceful: systemd is not told: ${reason}\n`));
  const priorities = env['JOURNAL_STREAM'] !== undefined;
  const supervisor = new Supervisor({
    openControl: listenForControl,
    configs,
    reread,
    notifier,
    env,
    onOutput: (app, slot, line) =>
      stdout.write(
        json
          ? `${JSON.stringify({ output: { app, slot, line } })}\n`
          : `${priorities ? '<6>' : ''}${app} ${slot} | ${line}\n`,
      ),
    onEvent: journal({ json, priorities, stdout }),
  });
  const letGo = obeySignals(supervisor);
  const metrics = metricsListen === null ? null : await serveMetrics(supervisor, metricsListen);
  if (metrics !== null) {
    const url = `http://${addressOf(metrics)}/metrics`;
    stdout.write(json ? `${JSON.stringify({ metrics: url })}\n` : `metrics: ${url}\n`);
  }
  try {
    await supervisor.start();
    await supervisor.ended;
  } finally {
    letGo();
    metrics?.close();
    metrics?.closeAllConnections();
  }
}

function obeySignals(supervisor: Supervisor): () => void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) supervisor.hurry();
    else void supervisor.stop(signal);
    isStopping = true;
  };
  const handlers: Partial<Record<NodeJS.Signals, (signal: NodeJS.Signals) => void>> = {
    SIGTERM: stop,
    SIGINT: stop,
    SIGHUP: () => void supervisor.reload(),
    SIGUSR2: (signal) => void supervisor.handover(signal),
  };
  const entries = Object.entries(handlers) as [NodeJS.Signals, (signal: NodeJS.Signals) => void][];
  for (const [signal, handler] of entries) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of entries) process.off(signal, handler);
  };
}

async function serveMetrics(supervisor: Supervisor, { host, port }: ListenAddress): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end();
    void supervisor.metrics
      .text()
      .then(({ type, text }) => response.writeHead(200, { 'content-type': type }).end(text))
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  // Later on too: what accept(2) runs out of (ENOMEM, ENOBUFS) comes back.
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(port, host, resolve));
  return server;
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
