import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials, SimulatedAws } from '../../src/aws';
import { SHA256 } from '../../src/aws/wire/signature';
import { REGION } from './world';

/** What differs from a request to the root of the default Region, and what is sent instead of what was signed. */
interface Change {
  readonly path?: string;
  readonly sentBody?: string;
  readonly sentHeaders?: Readonly<Record<string, string>>;
  readonly region?: string;
}

/** A request signed by the SDK's own signer, for services that have no client here. */
export async function signedFetch(
  aws: SimulatedAws,
  service: string,
  credentials: Credentials,
  body: string,
  { path = '/', sentBody = body, sentHeaders = {}, region = REGION }: Change = {},
): Promise<{ status: number; body: string }> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new SignatureV4({
    service,
    region,
    sha256: SHA256,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  });
  const url = new URL(path, aws.endpointUrl);
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });
  const response = await fetch(url, { method: 'POST', headers: { ...headers, ...sentHeaders }, body: sentBody });
  return { status: response.status, body: await response.text() };
}
