// Who supervises this app: asked over its control socket. No answer is no supervisor.
import { request } from 'node:http';
import type { StatusReport, SupervisorStatus } from '../core/status.ts';

const PATIENCE_MS = 1_000;

export const askSupervisor = (controlPath: string): Promise<SupervisorStatus | null> =>
  new Promise((resolve) => {
    const sent = request(
      { socketPath: controlPath, path: '/supervisor', agent: false, timeout: PATIENCE_MS },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.once('error', () => resolve(null));
        response.once('end', () => {
          try {
            resolve(JSON.parse(body) as StatusReport['supervisor']);
          } catch {
            resolve(null); // not a supervisor's answer
          }
        });
      },
    );
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve(null)); // ECONNREFUSED: it was killed and left its socket
    sent.end();
  });
