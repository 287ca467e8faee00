import { cbor, dateToTag } from '@smithy/core/cbor';
import type { Source } from '../../journal';
import { JSON_ERRORS, ServiceError, type WireResponse, type LocalService, type ServiceCall, type WireRequest } from '../service';
import { validate, type Input, type Members } from './input-constraints';

/** An operation and the constraints of its input. */
export interface Operation {
  readonly members: Members;
  run(input: Input, call: ServiceCall): Promise<object>;
}

const JSON_TYPE = 'application/x-amz-json-1.1';
const CBOR_TYPE = 'application/cbor';

interface RpcServiceOptions {
  readonly source: Source;
  /** The service's shape name, as in the JSON target and the CBOR path. */
  readonly shapeName: string;
  /** The namespace of the service's errors in CBOR. */
  readonly namespace: string;
  readonly operations: Readonly<Record<string, Operation>>;
  /** The service's error code for invalid input. */
  readonly validationCode: string;
}

/** A service that supports AWS JSON 1.1 and Smithy RPC v2 CBOR. It responds in the protocol of the request. */
export class RpcService implements LocalService {
  readonly errors = JSON_ERRORS;

  readonly source: Source;

  constructor(private readonly options: RpcServiceOptions) {
    this.source = options.source;
  }

  operationName({ path, headers }: WireRequest): string {
    const { shapeName } = this.options;
    const [target, prefix] =
      path === '/' ? [headers['x-amz-target'] ?? '', `${shapeName}.`] : [path, `/service/${shapeName}/operation/`];
    return target.startsWith(prefix) ? target.slice(prefix.length) : 'unknown';
  }

  parseInput(request: WireRequest): unknown {
    const { body } = request;
    try {
      const parsed: unknown = isCbor(request) ? withDates(cbor.deserialize(body)) : JSON.parse(body.toString('utf8') || '{}');
      return parsed ?? {};
    } catch {
      throw new ServiceError('SerializationException', '');
    }
  }

  async perform(call: ServiceCall): Promise<WireResponse> {
    return encode(call.request, 200, await this.run(call));
  }

  async run(call: ServiceCall): Promise<object> {
    const { operations, validationCode } = this.options;
    const operation = Object.hasOwn(operations, call.operation) ? operations[call.operation] : undefined;
    if (operation === undefined) {
      throw new ServiceError('UnknownOperationException', '');
    }
    return operation.run(validate(call.input, operation.members, validationCode), call);
  }

  errorResponse(error: ServiceError, request: WireRequest): WireResponse {
    const type = isCbor(request) ? `${this.options.namespace}#${error.code}` : error.code;
    // AWS returns `Message` or `message`, depending on the error; clients read both
    const body = error.message === '' ? { __type: type } : { __type: type, message: error.message, Message: error.message };
    return encode(request, error.status, body);
  }
}

function isCbor({ headers }: WireRequest): boolean {
  return headers['smithy-protocol'] === 'rpc-v2-cbor';
}

function encode(request: WireRequest, status: number, output: object): WireResponse {
  if (isCbor(request)) {
    const body = cbor.serialize(mapDates(output, dateToTag));
    return { status, headers: { 'content-type': CBOR_TYPE, 'smithy-protocol': 'rpc-v2-cbor' }, body };
  }
  const body = JSON.stringify(mapDates(output, (date) => date.getTime() / 1000));
  return { status, headers: { 'content-type': JSON_TYPE }, body };
}

/** Decodes CBOR dates: numbers with tag 1. The inputs of these services have dates only at the top level, and no other tags. */
function withDates(document: unknown): unknown {
  if (typeof document !== 'object' || document === null) {
    return document;
  }
  return Object.fromEntries(
    Object.entries(document).map(([name, value]: [string, unknown]) => {
      const isDate = typeof value === 'object' && value !== null && 'tag' in value && 'value' in value && value.tag === 1;
      return [name, isDate ? new Date(Number(value.value) * 1000) : value];
    }),
  );
}

/** Replaces each date with the result of `map`, and removes undefined members. */
function mapDates(value: unknown, map: (date: Date) => unknown): unknown {
  if (value instanceof Date) {
    return map(value);
  }
  if (Array.isArray(value)) {
    return value.map((item) => mapDates(item, map));
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(members.map(([name, member]) => [name, mapDates(member, map)]));
  }
  return value;
}
