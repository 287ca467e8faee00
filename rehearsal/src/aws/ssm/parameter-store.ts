import type { AccountAndRegion } from '../service';

export interface Parameter {
  readonly type: string;
  readonly value: string;
}

/** Parameters that always exist: the version of the CDK bootstrap stack, and AWS's public parameters, here all with an AMI id. */
const PREDEFINED: readonly (readonly [name: RegExp, value: string])[] = [
  [/^\/cdk-bootstrap\/[^/]+\/version$/, '28'],
  [/^\/aws\/service\//, 'ami-0123456789abcdef0'],
];

/** The Parameter Store of every account and Region. */
export class ParameterStore {
  private readonly parameters = new Map<string, Parameter>();

  put(place: AccountAndRegion, name: string, parameter: Parameter): void {
    this.parameters.set(key(place, name), parameter);
  }

  get(place: AccountAndRegion, name: string): Parameter | undefined {
    const predefined = PREDEFINED.find(([pattern]) => pattern.test(name));
    const stored = this.parameters.get(key(place, name));
    return stored ?? (predefined === undefined ? undefined : { type: 'String', value: predefined[1] });
  }

  /** The parameters that were put here, without the predefined ones. */
  list(): (AccountAndRegion & Parameter & { readonly name: string })[] {
    return [...this.parameters].map(([id, parameter]) => {
      const [account = '', region = '', name = ''] = id.split(' ');
      return { name, account, region, ...parameter };
    });
  }

  /** Whether the parameter was put here. Predefined parameters don't count. */
  has(place: AccountAndRegion, name: string): boolean {
    return this.parameters.has(key(place, name));
  }

  delete(place: AccountAndRegion, name: string): void {
    this.parameters.delete(key(place, name));
  }
}

const key = ({ account, region }: AccountAndRegion, name: string) => `${account} ${region} ${name}`;
