import type { Source } from '../../journal';
import {
  ServiceError,
  type WireResponse,
  type CommonErrors,
  type LocalService,
  type ServiceCall,
  type WireRequest,
} from '../service';

/** A value that can be written as XML. The dialect determines the name of the elements of a list. */
type Xml = string | number | boolean | Date | undefined | readonly Xml[] | Members;

export interface Members {
  readonly [name: string]: Xml;
}

/** The parameters of a form body. Nested members have flat names, such as `Filter.1.Name`. */
export class Parameters {
  constructor(readonly all: Readonly<Record<string, string>>) {}

  get(name: string): string | undefined {
    return this.all[name];
  }

  /** The values of `Name.1`, `Name.2` … */
  list(name: string): string[] {
    return this.indexes(name).flatMap((index) => this.all[`${name}.${index}`] ?? []);
  }

  /** The members of each structure in a list: `Name.1.Member`, `Name.2.Member` … */
  structures(name: string): Parameters[] {
    return this.indexes(name).map((index) => {
      const prefix = `${name}.${index}.`;
      const members = Object.entries(this.all).filter(([key]) => key.startsWith(prefix));
      return new Parameters(Object.fromEntries(members.map(([key, value]) => [key.slice(prefix.length), value])));
    });
  }

  private indexes(name: string): number[] {
    const keys = Object.keys(this.all).filter((key) => key.startsWith(`${name}.`));
    const indexes = keys.map((key) => Number.parseInt(key.slice(name.length + 1), 10)).filter((index) => index > 0);
    return [...new Set(indexes)].sort((a, b) => a - b);
  }
}

export type QueryOperation = (parameters: Parameters, call: ServiceCall) => Promise<Members>;

/** The differences between the query protocols of EC2 and of other services. */
export interface Dialect {
  readonly errors: CommonErrors;
  /** The element name of the items of a list. */
  readonly itemElement: string;
  successDocument(operation: string, result: Members, requestId: string): Members;
  failureDocument(error: ServiceError, requestId: string): Members;
}

/** A service with the query protocol: requests are form bodies, responses are XML. */
export class QueryService implements LocalService {
  readonly errors: CommonErrors;

  constructor(
    readonly source: Source,
    private readonly namespace: string,
    private readonly dialect: Dialect,
    private readonly operations: Readonly<Record<string, QueryOperation>>,
  ) {
    this.errors = dialect.errors;
  }

  operationName(request: WireRequest): string {
    return this.parseInput(request).Action ?? 'unknown';
  }

  parseInput(request: WireRequest): Readonly<Record<string, string>> {
    return Object.fromEntries(new URLSearchParams(request.body.toString('utf8')));
  }

  async perform(call: ServiceCall): Promise<WireResponse> {
    return this.xmlResponse(200, this.dialect.successDocument(call.operation, await this.run(call), call.requestId));
  }

  async run(call: ServiceCall): Promise<Members> {
    const operation = Object.hasOwn(this.operations, call.operation) ? this.operations[call.operation] : undefined;
    if (operation === undefined) {
      throw new ServiceError('InvalidAction', `The action ${call.operation} is not valid for this web service.`);
    }
    // `parseInput` has returned this input
    return operation(new Parameters(call.input as Readonly<Record<string, string>>), call);
  }

  errorResponse(error: ServiceError, _request: WireRequest, requestId: string): WireResponse {
    return this.xmlResponse(error.status, this.dialect.failureDocument(error, requestId));
  }

  private xmlResponse(status: number, document: Xml): WireResponse {
    const xml = toXml(document, this.dialect.itemElement).replace(/^<(\w+)/, `<$1 xmlns="${this.namespace}"`);
    return {
      status,
      headers: { 'content-type': 'text/xml;charset=UTF-8' },
      body: `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`,
    };
  }
}

/** @param itemElement the element name of the items of a list */
function toXml(value: Xml, itemElement: string): string {
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (isList(value)) {
    return value.map((member) => `<${itemElement}>${toXml(member, itemElement)}</${itemElement}>`).join('');
  }
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return members.map(([name, member]) => `<${name}>${toXml(member, itemElement)}</${name}>`).join('');
  }
  return String(value ?? '').replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

// after `Array.isArray` returned false, TypeScript would still consider that the value may be a readonly array
function isList(value: Xml): value is readonly Xml[] {
  return Array.isArray(value);
}
