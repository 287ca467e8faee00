import type { Place } from '../service';

export interface Parameter {
  readonly type: string;
  readonly value: string;
}

/** The parameters that always exist: the version of the CDK bootstrap stack, and AWS's public parameters, which all contain an AMI id. */
const PUBLISHED: readonly (readonly [name: RegExp, value: string])[] = [
  [/^\/cdk-bootstrap\/[^/]+\/version$/, '28'],
  [/^\/aws\/service\//, 'ami-0123456789abcdef0'],
];

/** The Parameter Store of every account and Region. */
export class ParameterStore {
  private readonly parameters = new Map<string, Parameter>();

  put(place: Place, name: string, parameter: Parameter): void {
    this.parameters.set(key(place, name), parameter);
  }

  get(place: Place, name: string): Parameter | undefined {
    const published = PUBLISHED.find(([pattern]) => pattern.test(name));
    const own = this.parameters.get(key(place, name));
    return own ?? (published === undefined ? undefined : { type: 'String', value: published[1] });
  }

  /** The parameters that were created here, without AWS's public parameters. */
  list(): (Place & Parameter & { readonly name: string })[] {
    return [...this.parameters].map(([id, parameter]) => {
      const [account = '', region = '', name = ''] = id.split(' ');
      return { name, account, region, ...parameter };
    });
  }

  /** Whether the parameter was created here. AWS's public parameters don't count. */
  has(place: Place, name: string): boolean {
    return this.parameters.has(key(place, name));
  }

  delete(place: Place, name: string): void {
    this.parameters.delete(key(place, name));
  }
}

const key = ({ account, region }: Place, name: string) => `${account} ${region} ${name}`;
