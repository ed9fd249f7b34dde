// Who supervises this app: asked over its control socket. No answer is no supervisor.
import { request } from 'node:http';
import type { StatusReport, SupervisorStatus } from '../core/status.ts';

const PATIENCE_MS = 1_000;

export const askSupervisor = (controlPath: string): Promise<SupervisorStatus | null> =>
  new Promise((resolve, reject) => {
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
    sent.once('error', (error: NodeJS.ErrnoException) => {
      // Another user's supervisor must not be worked past; one that was killed (ECONNREFUSED) left only its socket.
      if (error.code === 'EACCES') reject(error);
      else resolve(null);
    });
    sent.end();
  });
