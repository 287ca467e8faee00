import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';

/* A handler that only sends the signed request, without any package. This is the fastest possible handler in Node.js. */

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL } = process.env;
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const hash = (text) => createHash('sha256').update(text).digest('hex');

export function handler({ ResourceProperties: { GameLiftAwsAccountId, PeerVpcId } }) {
  const body = JSON.stringify({ GameLiftAwsAccountId, PeerVpcId });
  // signs the request with Signature Version 4: the date has the form 20260101T000000Z, and the headers are in alphabetical order
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${date.slice(0, 8)}/${AWS_REGION}/gamelift/aws4_request`;
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    host: AWS_ENDPOINT_URL.replace('http://', ''),
    'x-amz-date': date,
    'x-amz-security-token': AWS_SESSION_TOKEN,
    'x-amz-target': 'GameLift.CreateVpcPeeringAuthorization',
  };
  const signedHeaders = Object.keys(headers).join(';');
  const headerLines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonicalRequest = ['POST', '/', '', headerLines.join(''), signedHeaders, hash(body)].join('\n');
  // the signing key: the HMAC of each part of the scope is the key for the next part
  const key = scope.split('/').reduce(hmac, `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, hash(canonicalRequest)].join('\n')).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  request(AWS_ENDPOINT_URL, { method: 'POST', headers: { ...headers, authorization } }).end(body);
}
