import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Journal } from '../../journal';
import { LoopbackServer } from '../../loopback';
import type { NotUnderstood } from '../../not-understood';
import type { Clock } from '../../time/clock';
import type { Context, Iam, Principal } from '../iam/iam';
import { Ids } from '../ids';
import {
  CommonError,
  ServiceError,
  type Answer,
  type LocalService,
  type Place,
  type Service,
  type ServiceCall,
  type WireRequest,
} from '../service';
import { BrokenAnswerError, type ApiCall, type BrokenAnswer, type Fault, type Interceptor } from './faults';
import { parseAuthorization, verifySignature, type Signed } from './signature';

/** The principal that makes a call, and the Region of the call. */
export interface Caller {
  readonly principal: Principal;
  readonly region: string;
}

/** A call that was received over HTTP, or made in this process. */
interface IncomingCall {
  readonly service: Service;
  readonly scope: Pick<Signed, 'service' | 'region'>;
  readonly operation: string;
  readonly input: () => unknown;
  readonly authenticate: () => Principal | Promise<Principal>;
  readonly read: ServiceCall['read'];
}

interface EndpointOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly iam: Iam;
  readonly notUnderstood: NotUnderstood;
  /** How long each call takes, in rehearsed milliseconds. */
  readonly callMilliseconds: number;
  /** How calls read state, except calls by AWS services. */
  readonly read: ServiceCall['read'];
}

/** The error codes for unknown operations. */
const UNKNOWN_OPERATION_CODES: readonly string[] = ['UnknownOperationException', 'InvalidAction'];

/** Reads the present state. */
const readPresent: ServiceCall['read'] = (look) => look();

const NO_WIRE: WireRequest = { method: 'POST', path: '/', query: '', headers: {}, body: Buffer.alloc(0) };
const MALFORMED: Answer = { status: 200, headers: {}, body: '{<unfinished' };

/** The input members with resource ids, which the journal records. */
const IDS = ['FleetId', 'FleetIds', 'PeerVpcId', 'ResourceARN', 'RouteTableId', 'VpcPeeringConnectionId'];

/** All endpoints are regional: signatures for a global endpoint are refused. */
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

/** One loopback endpoint for every service and Region. The credential scope in the request's signature names them. */
export class Endpoint {
  private readonly server: LoopbackServer;
  private readonly services = new Map<string, Service>();
  private readonly interceptors = new Set<Interceptor>();
  private readonly ids = new Ids();

  private readonly clock: Clock;
  private readonly journal: Journal;
  private readonly iam: Iam;
  private readonly read: ServiceCall['read'];

  constructor(private readonly options: EndpointOptions) {
    const { clock, journal, iam, read } = options;
    this.clock = clock;
    this.journal = journal;
    this.iam = iam;
    this.read = read;
    this.server = new LoopbackServer(createServer(), clock, (message, response) => this.serve(message, response));
  }

  listen(): Promise<void> {
    return this.server.listen();
  }

  get url(): string {
    const { port } = this.server;
    if (port === undefined) {
      throw new Error('the rehearsal does not listen on loopback: call its services in this process');
    }
    return `http://127.0.0.1:${port}`;
  }

  /** @param name the service's name in credential scopes */
  register(name: string, service: Service): void {
    this.services.set(name, service);
  }

  /** @returns a function that removes the interceptor */
  intercept(interceptor: Interceptor): () => void {
    this.interceptors.add(interceptor);
    return () => {
      this.interceptors.delete(interceptor);
    };
  }

  /**
   * Makes a call for an AWS service, such as CloudFormation, as the administrator of the account: like a call over HTTP, but inside this
   * process.
   *
   * @param target as in `X-Amz-Target`; the called service must support JSON
   */
  async call(name: string, target: string, input: object, { account, region }: Place): Promise<unknown> {
    const [service, session] = [this.services.get(name), this.iam.lookUp(this.iam.administrator(account).accessKeyId)];
    if (service === undefined || session === undefined) {
      throw new Error(`the rehearsal does not simulate the service ${name}`);
    }
    const body = Buffer.from(JSON.stringify(input));
    const request = { method: 'POST', path: '/', query: '', headers: { 'x-amz-target': target }, body };
    const answer = await this.clock.work(() =>
      this.answer(request, this.ids.uuid('request'), { service: name, region }, service, () => session.principal, readPresent),
    );
    if (answer === undefined) {
      throw new ServiceError('RequestFailure', 'the connection was reset', 500);
    }
    return JSON.parse(Buffer.from(answer.body).toString('utf8'));
  }

  /**
   * Makes a call inside this process, without a signature.
   *
   * @param input the input, before it is serialized
   * @throws ServiceError, or BrokenAnswerError if an injected fault resets the connection or malforms the response
   */
  async run(name: string, operation: string, input: unknown, { principal, region }: Caller): Promise<object> {
    const service = this.services.get(name);
    if (service === undefined || !isLocal(service)) {
      throw new Error(`the rehearsal does not simulate the service ${name} without the wire`);
    }
    const scope = { service: name, region };
    const { read } = this;
    const incoming = { service, scope, operation, input: () => input, authenticate: () => principal, read };
    const output = await this.clock.work(() =>
      this.handle(incoming, (call) => service.run({ ...call, request: NO_WIRE, requestId: this.ids.uuid('request') })),
    );
    if (typeof output === 'string') {
      throw new BrokenAnswerError(output);
    }
    return output;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(message);
    if (request === undefined) {
      return;
    }
    const requestId = this.ids.uuid('request');
    const signed = parseAuthorization(request.headers.authorization);
    const service = this.services.get(signed?.service ?? '');
    const answer =
      signed === undefined || service === undefined
        ? this.unroutable(signed)
        : await this.answer(request, requestId, signed, service, () => this.authenticate(request, signed), this.read).catch(
            (error: unknown) => {
              const named = error instanceof ServiceError ? error : new CommonError('internal', String(error)).as(service.errors);
              return service.fail(named, request, requestId);
            },
          );
    if (answer === undefined) {
      response.destroy();
      return;
    }
    const headers = { ...answer.headers, 'x-amzn-requestid': requestId, date: new Date(this.clock.now()).toUTCString() };
    response.writeHead(answer.status, headers).end(answer.body);
  }

  /** @returns undefined if the connection is to be reset */
  private async answer(
    request: WireRequest,
    requestId: string,
    scope: Pick<Signed, 'service' | 'region'>,
    service: Service,
    authenticate: IncomingCall['authenticate'],
    read: ServiceCall['read'],
  ): Promise<Answer | undefined> {
    const operation = service.operation(request);
    const incoming = { service, scope, operation, input: () => service.input(request), authenticate, read };
    const answer = await this.handle(incoming, (call) => service.perform({ ...call, request, requestId }));
    if (answer === 'reset') {
      return undefined;
    }
    return answer === 'malformed' ? MALFORMED : answer;
  }

  /** Lets the service perform the call, unless an interceptor injects a fault. */
  private async handle<T extends object>(
    { service, scope, operation, input, authenticate, read }: IncomingCall,
    perform: (call: Omit<ServiceCall, 'request' | 'requestId'>) => Promise<T>,
  ): Promise<T | BrokenAnswer> {
    let principal: Principal | undefined;
    let ids: readonly string[] = [];
    const log = (outcome: string): void => {
      const caller = principal === undefined ? 'an unknown caller' : nameOf(principal);
      const detail = { kind: 'call', outcome, callerArn: principal?.arn, ids } as const;
      this.journal.write(service.source, operation, `${outcome} in ${scope.region}, called by ${caller}`, detail);
    };
    const { callMilliseconds, notUnderstood } = this.options;
    if (callMilliseconds > 0) {
      await this.clock.sleep(callMilliseconds);
    }
    try {
      principal = await authenticate();
      const call = { operation, input: input(), account: principal.account, region: scope.region };
      ids = idsIn(call.input);
      const fault = this.fault({ ...call, service: scope.service, principalArn: principal.arn });
      if (fault !== undefined) {
        return await this.inject(fault, log);
      }
      const output = await perform({ ...call, principal, read, ...this.permissions(principal, scope.region) });
      log('succeeded');
      return output;
    } catch (error) {
      if (error instanceof ServiceError && UNKNOWN_OPERATION_CODES.includes(error.code)) {
        notUnderstood.note(`calls of ${scope.service} ${operation}: the operation is not simulated, and each call is refused`);
      }
      throw logAndName(error, service, log);
    }
  }

  private unroutable(signed: Signed | undefined): Answer {
    if (signed !== undefined) {
      this.options.notUnderstood.note(`calls of ${signed.service}: the service is not simulated, and each call is refused`);
    }
    const [type, message] =
      signed === undefined
        ? ['MissingAuthenticationTokenException', 'the request has no Signature Version 4 in an Authorization header']
        : ['UnknownOperationException', `the rehearsal does not simulate the service ${signed.service}`];
    this.journal.write('iam', 'authentication', `${type}: ${message}`);
    return { status: 403, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ __type: type, message }) };
  }

  private async authenticate(request: WireRequest, signed: Signed): Promise<Principal> {
    const found = this.iam.lookUp(signed.accessKeyId);
    if (found === undefined || found.credentials.sessionToken !== request.headers['x-amz-security-token']) {
      throw new CommonError('unknownKey');
    }
    if (!(await verifySignature(request, signed, found.credentials.secretAccessKey))) {
      throw new CommonError('badSignature');
    }
    if (!REGION.test(signed.region)) {
      throw new CommonError('badRegion');
    }
    if (this.iam.isExpired(found.credentials)) {
      throw new CommonError('expired');
    }
    return found.principal;
  }

  private fault(call: ApiCall): Fault | undefined {
    for (const interceptor of this.interceptors) {
      const fault = interceptor(call);
      if (fault !== undefined) {
        return fault;
      }
    }
    return undefined;
  }

  /** @throws ServiceError if the fault is an error */
  private async inject(fault: Fault, log: (outcome: string) => void): Promise<BrokenAnswer> {
    switch (fault.kind) {
      case 'error':
        throw new ServiceError(fault.name, fault.message, fault.status);
      case 'hang':
        log('never answered (injected)');
        await this.clock.sleep(Infinity);
        return 'reset';
      case 'reset':
        log('connection reset (injected)');
        return 'reset';
      case 'malformed':
        log('malformed answer (injected)');
        return 'malformed';
    }
  }

  private permissions(principal: Principal, region: string) {
    const decide = (action: string, resource: string, context: Context = {}) =>
      this.iam.decide(principal, action, resource, { 'aws:RequestedRegion': region, ...context });
    return {
      decide,
      authorize: async (action: string, resources: readonly string[], context: Context = {}): Promise<void> => {
        for (const resource of resources) {
          const decision = await decide(action, resource, context);
          if (!decision.allowed) {
            throw new CommonError('accessDenied', decision.reason);
          }
        }
      },
    };
  }
}

/** The resource ids in an input. The journal does not record whole inputs, because they may contain secrets. */
function idsIn(input: unknown): string[] {
  const members: [string, unknown][] = Object.entries(input ?? {});
  return members
    .filter(([name]) => IDS.includes(name))
    .flatMap(([, value]) => value)
    .filter((value) => typeof value === 'string');
}

function nameOf({ arn, account }: Principal): string {
  return `${arn} of account ${account}`;
}

/** Logs an error, and returns it with the service's error code. */
function logAndName(error: unknown, { errors }: Service, log: (outcome: string) => void): unknown {
  const named = error instanceof CommonError ? error.as(errors) : error;
  log(named instanceof ServiceError ? named.code : `rehearsal failed (${String(named)})`);
  return named;
}

function isLocal(service: Service): service is LocalService {
  return 'run' in service;
}

/** Undefined if the client disconnected. */
async function read(message: IncomingMessage): Promise<WireRequest | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) {
      chunks.push(chunk as Buffer);
    }
  } catch {
    return undefined;
  }
  const [path = '/', query = ''] = (message.url ?? '/').split('?', 2);
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
  return { method: message.method ?? 'POST', path, query, headers, body: Buffer.concat(chunks) };
}
