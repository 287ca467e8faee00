import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Journal } from '../../journal';
import { LoopbackServer } from '../../loopback';
import type { NotUnderstood } from '../../not-understood';
import type { Clock } from '../../time/clock';
import type { Iam, Principal } from '../iam/iam';
import { Ids } from '../ids';
import {
  CommonError,
  ServiceError,
  type WireResponse,
  type LocalService,
  type AccountAndRegion,
  type Service,
  type ServiceCall,
  type WireRequest,
} from '../service';
import { BrokenResponseError, type ApiCall, type BrokenResponse, type Fault, type Interceptor } from './faults';
import { parseAuthorization, verifySignature, type RequestSignature } from './signature';

/** The service and the Region that a request is for. */
type Scope = Pick<RequestSignature, 'service' | 'region'>;

/** The principal that makes a call, and the Region of the call. */
export interface Caller {
  readonly principal: Principal;
  readonly region: string;
}

/** A call that was received over HTTP, or made in this process. */
interface IncomingCall {
  readonly service: Service;
  readonly scope: Scope;
  readonly operation: string;
  readonly getInput: () => unknown;
  readonly authenticate: () => Principal | Promise<Principal>;
  readonly read: ServiceCall['read'];
}

/** An HTTP request from a client, or a call in this process in the form of an HTTP request. */
interface IncomingRequest extends Pick<IncomingCall, 'service' | 'scope' | 'authenticate' | 'read'> {
  readonly request: WireRequest;
  readonly requestId: string;
}

interface EndpointOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly iam: Iam;
  readonly notUnderstood: NotUnderstood;
  /** The duration of each call, in rehearsed milliseconds. */
  readonly callMilliseconds: number;
  /** Reads the current state, or an earlier one: see `ServiceCall`. Calls by AWS services always read the current state. */
  readonly read: ServiceCall['read'];
}

/** The error codes for unknown operations. */
const UNKNOWN_OPERATION_CODES: readonly string[] = ['UnknownOperationException', 'InvalidAction'];

const readCurrent: ServiceCall['read'] = (getState) => getState();

/** Stands for the HTTP request of a call that is made without HTTP. */
const LOCAL_REQUEST: WireRequest = { method: 'POST', path: '/', query: '', headers: {}, body: Buffer.alloc(0) };
const MALFORMED_RESPONSE: WireResponse = { status: 200, headers: {}, body: '{<unfinished' };

/** The input members with resource ids, which the journal records. */
const ID_MEMBERS = ['FleetId', 'FleetIds', 'PeerVpcId', 'ResourceARN', 'RouteTableId', 'VpcPeeringConnectionId'];

/** The name of a Region. The endpoint refuses other values in signatures, such as those for global endpoints. */
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

/** One loopback endpoint for every service and Region. The signature of a request names its service and Region. */
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
      throw new Error(
        'the rehearsal does not listen on loopback: start it with Rehearsal.start, or call its services in this process',
      );
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
   * Makes a call in this process for an AWS service, such as CloudFormation. The caller is the administrator of the account.
   *
   * @param target the operation, as in the header `X-Amz-Target`. The called service must support JSON
   */
  async callAsAdministrator(
    serviceName: string,
    target: string,
    input: object,
    { account, region }: AccountAndRegion,
  ): Promise<unknown> {
    const [service, session] = [
      this.services.get(serviceName),
      this.iam.findSession(this.iam.administrator(account).accessKeyId),
    ];
    if (service === undefined || session === undefined) {
      throw new Error(`the rehearsal does not simulate the service ${serviceName}`);
    }
    const body = Buffer.from(JSON.stringify(input));
    const request = { method: 'POST', path: '/', query: '', headers: { 'x-amz-target': target }, body };
    const response = await this.clock.work(() =>
      this.respond({
        request,
        requestId: this.ids.uuid('request'),
        scope: { service: serviceName, region },
        service,
        authenticate: () => session.principal,
        read: readCurrent,
      }),
    );
    if (response === undefined) {
      throw new ServiceError('RequestFailure', 'the connection was reset', 500);
    }
    return JSON.parse(Buffer.from(response.body).toString('utf8'));
  }

  /**
   * Makes a call in this process, without HTTP and without a signature.
   *
   * @param input the input, before it is serialized
   * @throws ServiceError, or BrokenResponseError if an injected fault resets the connection or malforms the response
   */
  async call(serviceName: string, operation: string, input: unknown, { principal, region }: Caller): Promise<object> {
    const service = this.services.get(serviceName);
    if (service === undefined || !isLocal(service)) {
      throw new Error(`the service ${serviceName} cannot be called in this process: if it is simulated, call it over HTTP`);
    }
    const scope = { service: serviceName, region };
    const { read } = this;
    const incoming = { service, scope, operation, getInput: () => input, authenticate: () => principal, read };
    const output = await this.clock.work(() =>
      this.handle(incoming, (call) => service.run({ ...call, request: LOCAL_REQUEST, requestId: this.ids.uuid('request') })),
    );
    if (typeof output === 'string') {
      throw new BrokenResponseError(output);
    }
    return output;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await receive(message);
    if (request === undefined) {
      return;
    }
    const requestId = this.ids.uuid('request');
    const signature = parseAuthorization(request.headers.authorization);
    const service = this.services.get(signature?.service ?? '');
    const wireResponse =
      signature === undefined || service === undefined
        ? this.unroutableResponse(signature)
        : await this.respond({
            request,
            requestId,
            scope: signature,
            service,
            authenticate: () => this.authenticate(request, signature),
            read: this.read,
          }).catch((error: unknown) => {
            const serviceError =
              error instanceof ServiceError ? error : new CommonError('internal', String(error)).toServiceError(service.errors);
            return service.errorResponse(serviceError, request, requestId);
          });
    if (wireResponse === undefined) {
      response.destroy();
      return;
    }
    const headers = { ...wireResponse.headers, 'x-amzn-requestid': requestId, date: new Date(this.clock.now()).toUTCString() };
    response.writeHead(wireResponse.status, headers).end(wireResponse.body);
  }

  /** Performs a request. @returns the HTTP response; undefined if the connection must be reset */
  private async respond({ request, requestId, service, ...incoming }: IncomingRequest): Promise<WireResponse | undefined> {
    const operation = service.operationName(request);
    const call = { ...incoming, service, operation, getInput: () => service.parseInput(request) };
    const response = await this.handle(call, (serviceCall) => service.perform({ ...serviceCall, request, requestId }));
    if (response === 'reset') {
      return undefined;
    }
    return response === 'malformed' ? MALFORMED_RESPONSE : response;
  }

  /** Lets the service perform the call, unless an interceptor injects a fault. */
  private async handle<T extends object>(
    { service, scope, operation, getInput, authenticate, read }: IncomingCall,
    perform: (call: Omit<ServiceCall, 'request' | 'requestId'>) => Promise<T>,
  ): Promise<T | BrokenResponse> {
    let principal: Principal | undefined;
    let ids: readonly string[] = [];
    const log = (outcome: string): void => {
      const caller = principal === undefined ? 'an unknown caller' : `${principal.arn} of account ${principal.account}`;
      const detail = { kind: 'call', outcome, callerArn: principal?.arn, ids } as const;
      this.journal.write(service.source, operation, `${outcome} in ${scope.region}, called by ${caller}`, detail);
    };
    const { callMilliseconds, notUnderstood } = this.options;
    if (callMilliseconds > 0) {
      await this.clock.sleep(callMilliseconds);
    }
    try {
      principal = await authenticate();
      const call = { operation, input: getInput(), account: principal.account, region: scope.region };
      ids = idsIn(call.input);
      const fault = this.findFault({ ...call, service: scope.service, principalArn: principal.arn });
      if (fault !== undefined) {
        return await this.inject(fault, log);
      }
      const output = await perform({ ...call, principal, read, authorize: this.authorizeAs(principal, scope.region) });
      log('succeeded');
      return output;
    } catch (error) {
      if (error instanceof ServiceError && UNKNOWN_OPERATION_CODES.includes(error.code)) {
        notUnderstood.note(`calls of ${scope.service} ${operation}: the operation is not simulated, and each call is refused`);
      }
      throw logError(error, service, log);
    }
  }

  /** The response to a request without a Signature Version 4, or for a service that is not simulated. */
  private unroutableResponse(signature: RequestSignature | undefined): WireResponse {
    if (signature !== undefined) {
      this.options.notUnderstood.note(`calls of ${signature.service}: the service is not simulated, and each call is refused`);
    }
    const [type, message] =
      signature === undefined
        ? ['MissingAuthenticationTokenException', 'the request has no Signature Version 4 in an Authorization header']
        : ['UnknownOperationException', `the rehearsal does not simulate the service ${signature.service}`];
    this.journal.write('iam', 'authentication', `${type}: ${message}`);
    return { status: 403, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ __type: type, message }) };
  }

  private async authenticate(request: WireRequest, signature: RequestSignature): Promise<Principal> {
    const session = this.iam.findSession(signature.accessKeyId);
    if (session === undefined || session.credentials.sessionToken !== request.headers['x-amz-security-token']) {
      throw new CommonError('unknownKey');
    }
    if (!(await verifySignature(request, signature, session.credentials.secretAccessKey))) {
      throw new CommonError('badSignature');
    }
    if (!REGION.test(signature.region)) {
      throw new CommonError('badRegion');
    }
    if (this.iam.isExpired(session.credentials)) {
      throw new CommonError('expired');
    }
    return session.principal;
  }

  private findFault(call: ApiCall): Fault | undefined {
    for (const interceptor of this.interceptors) {
      const fault = interceptor(call);
      if (fault !== undefined) {
        return fault;
      }
    }
    return undefined;
  }

  /** Causes the fault of a call. Throws a `ServiceError` if the fault is an error. */
  private async inject(fault: Fault, log: (outcome: string) => void): Promise<BrokenResponse> {
    switch (fault.kind) {
      case 'error':
        throw new ServiceError(fault.name, fault.message, fault.status);
      case 'hang':
        log('no response (injected)');
        // never ends: only TypeScript needs the result
        await this.clock.sleep(Infinity);
        return 'reset';
      case 'reset':
        log('connection reset (injected)');
        return 'reset';
      case 'malformed':
        log('malformed response (injected)');
        return 'malformed';
    }
  }

  /** Returns a function that checks the permissions of the principal. */
  private authorizeAs(principal: Principal, region: string): ServiceCall['authorize'] {
    return async (action, resources, context = {}) => {
      for (const resource of resources) {
        const decision = await this.iam.decide(principal, action, resource, { 'aws:RequestedRegion': region, ...context });
        if (!decision.allowed) {
          throw new CommonError('accessDenied', decision.reason);
        }
      }
    };
  }
}

/** The resource ids in an input. The journal does not record whole inputs, because they may contain secrets. */
function idsIn(input: unknown): string[] {
  const members: [string, unknown][] = Object.entries(input ?? {});
  return members
    .filter(([name]) => ID_MEMBERS.includes(name))
    .flatMap(([, value]) => value)
    .filter((value) => typeof value === 'string');
}

/** Logs an error, and returns it with the service's error code. */
function logError(error: unknown, { errors }: Service, log: (outcome: string) => void): unknown {
  const serviceError = error instanceof CommonError ? error.toServiceError(errors) : error;
  log(serviceError instanceof ServiceError ? serviceError.code : `rehearsal failed (${String(serviceError)})`);
  return serviceError;
}

function isLocal(service: Service): service is LocalService {
  return 'run' in service;
}

/** Receives a request. @returns undefined if the client disconnected */
async function receive(message: IncomingMessage): Promise<WireRequest | undefined> {
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
