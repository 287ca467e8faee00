import type { Source } from '../../journal';
import { ServiceError, type Answer, type CommonErrors, type LocalService, type ServiceCall, type WireRequest } from '../service';

/** What XML answers are written from; a list's items are named by the protocol. */
type Xml = string | number | boolean | Date | undefined | readonly Xml[] | Members;

export interface Members {
  readonly [name: string]: Xml;
}

/** The parameters of a form body, flat as they are sent. */
export class Parameters {
  constructor(readonly all: Readonly<Record<string, string>>) {}

  get(name: string): string | undefined {
    return this.all[name];
  }

  /** `Name.1`, `Name.2` … */
  list(name: string): string[] {
    return this.indexes(name).flatMap((index) => this.all[`${name}.${index}`] ?? []);
  }

  /** `Name.1.Member`, `Name.2.Member` …, each with its members below it. */
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

/** Where the two dialects of the query protocol differ. */
export interface Dialect {
  readonly errors: CommonErrors;
  /** What the items of a list are called. */
  readonly item: string;
  success(operation: string, result: Members, requestId: string): Members;
  failure(error: ServiceError, requestId: string): Members;
}

/** A service with form bodies and XML answers. */
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

  operation(request: WireRequest): string {
    return this.input(request).Action ?? 'unknown';
  }

  input(request: WireRequest): Readonly<Record<string, string>> {
    return Object.fromEntries(new URLSearchParams(request.body.toString('utf8')));
  }

  async perform(call: ServiceCall): Promise<Answer> {
    return this.answer(200, this.dialect.success(call.operation, await this.run(call), call.requestId));
  }

  async run(call: ServiceCall): Promise<Members> {
    const operation = Object.hasOwn(this.operations, call.operation) ? this.operations[call.operation] : undefined;
    if (operation === undefined) {
      throw new ServiceError('InvalidAction', `The action ${call.operation} is not valid for this web service.`);
    }
    // as `input` gave it
    return operation(new Parameters(call.input as Readonly<Record<string, string>>), call);
  }

  fail(error: ServiceError, _request: WireRequest, requestId: string): Answer {
    return this.answer(error.status, this.dialect.failure(error, requestId));
  }

  private answer(status: number, document: Xml): Answer {
    const xml = toXml(document, this.dialect.item).replace(/^<(\w+)/, `<$1 xmlns="${this.namespace}"`);
    return {
      status,
      headers: { 'content-type': 'text/xml;charset=UTF-8' },
      body: `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`,
    };
  }
}

function toXml(value: Xml, item: string): string {
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (isList(value)) {
    return value.map((member) => `<${item}>${toXml(member, item)}</${item}>`).join('');
  }
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return members.map(([name, member]) => `<${name}>${toXml(member, item)}</${name}>`).join('');
  }
  return String(value ?? '').replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

// Array.isArray does not narrow readonly arrays out of the other branch
function isList(value: Xml): value is readonly Xml[] {
  return Array.isArray(value);
}
