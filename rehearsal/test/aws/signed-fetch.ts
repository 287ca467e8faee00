import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials, SimulatedAws } from '../../src/aws';
import { REGION } from './world';

/** The hash that the SDK's signer wants. */
class Sha256 {
  private readonly chunks: (string | Uint8Array)[] = [];

  constructor(private readonly secret?: unknown) {}

  update(chunk: string | Uint8Array): void {
    this.chunks.push(chunk);
  }

  reset(): void {
    this.chunks.length = 0;
  }

  digest(): Promise<Uint8Array> {
    const hash = this.secret === undefined ? createHash('sha256') : createHmac('sha256', this.secret as string | Uint8Array);
    for (const chunk of this.chunks) {
      hash.update(chunk);
    }
    return Promise.resolve(hash.digest());
  }
}

/** A request signed by the SDK's own signer, for services that have no client here. */
export async function signedFetch(
  aws: SimulatedAws,
  service: string,
  credentials: Credentials,
  body: string,
  { path = '/', sentBody = body, region = REGION }: { path?: string; sentBody?: string; region?: string } = {},
): Promise<{ status: number; body: string }> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new SignatureV4({
    service,
    region,
    sha256: Sha256,
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
  const response = await fetch(url, { method: 'POST', headers, body: sentBody });
  return { status: response.status, body: await response.text() };
}
