import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials, SimulatedAws } from '../../src/aws';
import { SHA256 } from '../../src/aws/wire/signature';
import { REGION } from './simulation';

interface RequestOptions {
  /** @default - the root path */
  readonly path?: string;
  /** Sent instead of the signed body. */
  readonly sentBody?: string;
  /** Sent in addition to the signed headers, or instead of them. */
  readonly sentHeaders?: Readonly<Record<string, string>>;
  /** @default REGION */
  readonly region?: string;
}

/** Signs a request with the SDK's signer and sends it. For services without a client in these tests, and for invalid requests. */
export async function signedFetch(
  aws: SimulatedAws,
  service: string,
  credentials: Credentials,
  body: string,
  { path = '/', sentBody = body, sentHeaders = {}, region = REGION }: RequestOptions = {},
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
