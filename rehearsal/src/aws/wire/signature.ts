import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { WireRequest } from '../service';

/** What an Authorization header of Signature Version 4 says. */
export interface Signed {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/;

/** Undefined where the header is missing or is no Signature Version 4. */
export function parseAuthorization(header: string | undefined): Signed | undefined {
  const match = AUTHORIZATION.exec(header ?? '');
  if (match === null) {
    return undefined;
  }
  const [, accessKeyId = '', date = '', region = '', service = '', headers = '', signature = ''] = match;
  return { accessKeyId, date, region, service, signedHeaders: headers.split(';'), signature };
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalQuery(query: string): string {
  const pairs = query === '' ? [] : query.split('&').map((pair) => pair.split('='));
  return pairs
    .map(([name = '', value = '']) => `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(value))}`)
    .sort()
    .join('&');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/**
 * Whether the request was signed with this secret. Its age is not looked at: clients outside the rehearsal, such as the AWS CLI,
 * sign with today's date, whatever the rehearsed one is.
 */
export function verifySignature(request: WireRequest, signed: Signed, secretAccessKey: string): boolean {
  const { headers } = request;
  const canonicalRequest = [
    request.method,
    // paths are encoded twice, by all services but S3
    request.path.split('/').map(encode).join('/'),
    canonicalQuery(request.query),
    ...signed.signedHeaders.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signed.signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
  const scope = `${signed.date}/${signed.region}/${signed.service}/aws4_request`;
  const stringToSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'] ?? '', scope, sha256(canonicalRequest)].join('\n');
  const key = [signed.region, signed.service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secretAccessKey}`, signed.date));
  return timingSafeEqual(hmac(key, stringToSign), Buffer.from(signed.signature, 'hex'));
}
