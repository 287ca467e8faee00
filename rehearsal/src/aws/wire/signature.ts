import { parseQueryString } from '@smithy/core/protocols';
import { Hash } from '@smithy/core/serde';
import { SignatureV4 } from '@smithy/signature-v4';
import type { WireRequest } from '../service';

/** The content of an Authorization header with Signature Version 4. */
export interface RequestSignature {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/;

/** @returns undefined if the header is missing, or does not contain a Signature Version 4 */
export function parseAuthorization(header: string | undefined): RequestSignature | undefined {
  const match = AUTHORIZATION.exec(header ?? '');
  if (match === null) {
    return undefined;
  }
  const [, accessKeyId = '', region = '', service = '', headers = '', signature = ''] = match;
  return { accessKeyId, region, service, signedHeaders: headers.split(';'), signature };
}

/** The hash function of the signature. */
export const SHA256 = Hash.bind(null, 'sha256');

const BODY_HASH_HEADER = 'x-amz-content-sha256';

/**
 * Whether the request was signed with this secret. Signs the request again, and compares the signatures. Also accepts old
 * signatures: clients outside the rehearsal, such as the AWS CLI, sign with today's date instead of the rehearsed date.
 */
export async function verifySignature(
  request: WireRequest,
  received: RequestSignature,
  secretAccessKey: string,
): Promise<boolean> {
  const { method, path, query, headers, body } = request;
  const { accessKeyId, region, service, signedHeaders } = received;
  const signingDate = dateOf(headers['x-amz-date'] ?? '');
  if (Number.isNaN(signingDate.getTime())) {
    return false;
  }
  const signer = new SignatureV4({
    region,
    service,
    credentials: { accessKeyId, secretAccessKey },
    sha256: SHA256,
    applyChecksum: signedHeaders.includes(BODY_HASH_HEADER),
  });
  // without this header, the signer computes the hash of the body; with the header, the signer would trust the hash in it
  const headerNames = signedHeaders.filter((name) => name !== BODY_HASH_HEADER);
  const expectedRequest = await signer.sign(
    {
      method,
      protocol: 'http:',
      hostname: '127.0.0.1',
      path,
      query: parseQueryString(query),
      headers: Object.fromEntries(headerNames.map((name) => [name, headers[name] ?? ''])),
      body,
    },
    { signingDate, signableHeaders: new Set(headerNames) },
  );
  return parseAuthorization(expectedRequest.headers.authorization)?.signature === received.signature;
}

/** Parses a date without separators, such as `20260101T120000Z`. */
const dateOf = (text: string) => new Date(text.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'));
