// The NOTIFY_SOCKET of a backend: what it says by sd_notify(3). Node has no datagram unix sockets.
import { rmSync } from 'node:fs';
import type { DgramSocket } from 'node-unix-socket';
import { configFailure } from '../config/problems.ts';
import { monotonicMs } from '../core/clock.ts';
import { fail } from '../core/failure.ts';
import { addSaid, type Said } from './said.ts';
import type { SlotPaths } from './state-paths.ts';

const MODE = 0o600;
const MAX_STATUS = 200;
/** A backend that asks for more is waited for no longer. */
const MAX_EXTENSION_MS = 86_400_000;

/** @throws `config` where the binary of this platform is missing. */
export async function loadDatagrams(file: string | null): Promise<typeof DgramSocket> {
  try {
    return (await import('node-unix-socket')).DgramSocket;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    const found = `notify, and node-unix-socket cannot be loaded (${reason})`;
    const expected = `its binary for ${process.platform} ${process.arch}, an optional dependency, or another check`;
    throw configFailure(file, [{ key: 'health.type', found, expected }], cause);
  }
}

/** Whoever listens there now, by path. */
const LISTENING = new Map<string, NotifySocket>();

/** Shared by all that listen to the same backend in this process; closed with the last of them, which leaves the file. */
export class NotifySocket implements Disposable {
  readonly #own: SlotPaths;
  readonly #instance: string;
  readonly #isOneOfSeveral: boolean;
  readonly #socket: DgramSocket;
  #users = 0;
  #extendedUntil = 0;

  /** `isOneOfSeveral`: whoever speaks is one of several workers, and its end is not the slot's. */
  static open(
    Socket: typeof DgramSocket,
    own: SlotPaths,
    { instance, isOneOfSeveral }: { readonly instance: string; readonly isOneOfSeveral: boolean },
  ): NotifySocket {
    const there = LISTENING.get(own.notify);
    if (there !== undefined && there.#instance === instance) return there.retain();
    if (there !== undefined) there.#close();
    return new NotifySocket(new Socket(), own, instance, isOneOfSeveral).retain();
  }

  private constructor(socket: DgramSocket, own: SlotPaths, instance: string, isOneOfSeveral: boolean) {
    this.#socket = socket;
    this.#own = own;
    this.#instance = instance;
    this.#isOneOfSeveral = isOneOfSeveral;
    socket.on('error', () => undefined); // it is closed then
    socket.on('data', (datagram: Buffer) => this.#hear(datagram.toString('utf8')));
    this.#bind();
    LISTENING.set(own.notify, this);
  }

  /** Until when the backend has asked to be waited for, EXTEND_TIMEOUT_USEC; monotonic. */
  get extendedUntil(): number {
    return this.#extendedUntil;
  }

  retain(): this {
    this.#users += 1;
    return this;
  }

  [Symbol.dispose](): void {
    this.#users -= 1;
    if (this.#users === 0) this.#close();
  }

  #bind(): void {
    const path = this.#own.notify;
    rmSync(path, { force: true });
    const before = process.umask(0o777 & ~MODE);
    try {
      this.#socket.bind(path);
    } catch (cause) {
      this.#socket.close();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw fail('system', `bind ${path}: ${reason}`, { errno: 'EIO', call: 'bind', path }, cause);
    } finally {
      process.umask(before);
    }
  }

  #close(): void {
    if (LISTENING.get(this.#own.notify) === this) LISTENING.delete(this.#own.notify);
    this.#socket.close();
  }

  /** A datagram has several assignments, one per line; what is not known to us is left alone, MAINPID too. */
  #hear(datagram: string): void {
    let news: Partial<Said> = {};
    let isReady = false;
    for (const line of datagram.split('\n')) {
      const [name = ''] = line.split('=', 1);
      const value = line.slice(name.length + 1);
      if (name === 'READY' && value === '1') isReady = true;
      else if (name === 'STOPPING' && value === '1' && !this.#isOneOfSeveral) news = { ...news, stopping: true };
      else if (name === 'STATUS') news = { ...news, status: printable(value) };
      else if (name === 'EXTEND_TIMEOUT_USEC' && /^\d+$/.test(value)) this.#extend(Number(value) / 1000);
    }
    if (!isReady && Object.keys(news).length === 0) return;
    addSaid(this.#own.said, this.#instance, ({ ready }) => ({
      ...news,
      ready: isReady && !ready.includes('notify') ? [...ready, 'notify'] : ready,
    }));
  }

  #extend(ms: number): void {
    this.#extendedUntil = Math.max(this.#extendedUntil, monotonicMs() + Math.min(ms, MAX_EXTENSION_MS));
  }
}

/** For a terminal. */
const printable = (text: string): string | null =>
  text
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .trim()
    .slice(0, MAX_STATUS) || null;
