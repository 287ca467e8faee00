import net from 'node:net';
import os from 'node:os';
import tls from 'node:tls';
import type { SandboxSettings } from '../protocol';
import type { RehearsedTimer, Timers } from './timers';

/** Redirects connections to AWS's public HTTPS endpoints to the rehearsal. */
export function redirectToRehearsal(endpoint: SandboxSettings['responseEndpoint']): void {
  const realConnect = tls.connect as (...args: unknown[]) => tls.TLSSocket;
  const connect = (...args: unknown[]): tls.TLSSocket => {
    const options = connectOptions(args);
    const host = options.servername ?? options.host ?? '';
    if (!host.endsWith('.amazonaws.com') || `${options.port ?? 443}` !== '443') {
      return realConnect(...args);
    }
    const callback = args.filter((arg) => typeof arg === 'function');
    return realConnect(
      { ...options, host: '127.0.0.1', port: endpoint.port, servername: host, ca: [endpoint.certificate] },
      ...callback,
    );
  };
  Object.assign(tls, { connect });
}

/** Returns the options in the arguments of `tls.connect`: `(options)` or `(port, host?, options?)`. */
function connectOptions(args: readonly unknown[]): tls.ConnectionOptions {
  const options = args.find((arg) => typeof arg === 'object' && arg !== null) as tls.ConnectionOptions | undefined;
  const host = args.find((arg) => typeof arg === 'string');
  return { ...(typeof args[0] === 'number' ? { port: args[0] } : {}), ...(host === undefined ? {} : { host }), ...options };
}

interface SocketInternals {
  /** Node.js calls this on each activity of the socket. */
  _unrefTimer: (this: net.Socket) => void;
  /** Node.js calls this if the socket has no activity for the duration of the timeout. It emits `timeout`. */
  _onTimeout: (this: net.Socket) => void;
}

/** Makes the timeouts of sockets run in rehearsed time. The function's code and the AWS SDK set them. */
export function rehearseSocketTimeouts(timers: Timers): void {
  const timersBySocket = new WeakMap<net.Socket, RehearsedTimer>();
  const socketsWithCloseListener = new WeakSet<net.Socket>();
  const prototype = net.Socket.prototype as net.Socket & SocketInternals;
  const { _unrefTimer: onActivity } = prototype;
  prototype._unrefTimer = function (this: net.Socket) {
    if (!this.destroyed) {
      timersBySocket.get(this)?.refresh();
    }
    onActivity.call(this);
  };
  const setTimeout = function (this: net.Socket, milliseconds: number, callback?: () => void): net.Socket {
    Object.assign(this, { timeout: milliseconds });
    timersBySocket.get(this)?.close();
    if (milliseconds > 0) {
      const onTimeout = () => {
        (this as net.Socket & SocketInternals)._onTimeout();
      };
      timersBySocket.set(this, timers.startTimeout(onTimeout, milliseconds).unref());
    } else {
      timersBySocket.delete(this);
    }
    if (!socketsWithCloseListener.has(this)) {
      socketsWithCloseListener.add(this);
      this.once('close', () => timersBySocket.get(this)?.close());
    }
    if (callback) {
      if (milliseconds > 0) {
        this.once('timeout', callback);
      } else {
        this.removeListener('timeout', callback);
      }
    }
    return this;
  };
  Object.assign(prototype, { setTimeout });
}

/** Hides the home directory of the host: Lambda's sandbox user has a different one. */
export function hideHomeDirectory(): void {
  os.homedir = () => '/home/sbx_user1051';
}
