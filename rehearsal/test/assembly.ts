import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Rehearsal } from '../src/index';

/** A cloud assembly with one stack, as `cdk synth` would write it. */
export function writeAssembly(template: object, stackName = 'Stack'): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'rehearsal-assembly-'));
  const write = (file: string, content: object) => {
    writeFileSync(path.join(directory, file), JSON.stringify(content));
  };
  write(`${stackName}.template.json`, template);
  const properties = { templateFile: `${stackName}.template.json` };
  const environment = 'aws://unknown-account/unknown-region';
  const artifacts = { [stackName]: { type: 'aws:cloudformation:stack', environment, properties } };
  // of a CDK that nobody has yet
  write('manifest.json', { version: '999.0.0', artifacts });
  return directory;
}

/**
 * The function of custom resources. Their properties `Create`, `Update` and `Delete` say how it handles such a request: `silent`, `crash`,
 * or the contents of the response. It logs each request as one line of JSON.
 */
const HANDLER = `
const https = require('https');
exports.handler = async (event) => {
  const { RequestType, ResourceProperties: properties, ResponseURL, ...rest } = event;
  const scripted = properties[RequestType] ?? {};
  console.log('REQUEST ' + JSON.stringify({ RequestType, properties, ...rest }));
  await new Promise((resolve) => setTimeout(resolve, Number(properties.Seconds ?? 0) * 1000));
  if (scripted === 'silent') return;
  if (scripted === 'crash') throw new Error('crashed');
  const { StackId, RequestId, LogicalResourceId } = event;
  const body = JSON.stringify({
    Status: scripted.Fail ? 'FAILED' : 'SUCCESS',
    Reason: scripted.Fail,
    PhysicalResourceId: scripted.Id ?? event.PhysicalResourceId ?? 'physical-' + LogicalResourceId,
    StackId, RequestId, LogicalResourceId,
    Data: { Value: scripted.Value ?? 'value', Padding: 'x'.repeat(Number(scripted.Padding ?? 0)) },
  });
  const { hostname, pathname, search } = new URL(ResponseURL);
  const headers = { 'content-type': '', 'content-length': Buffer.byteLength(body) };
  const put = () => new Promise((resolve, reject) => {
    https.request({ hostname, path: pathname + search, method: 'PUT', headers }, (response) => { response.resume(); resolve(response.statusCode); })
      .on('error', reject).end(body);
  });
  for (let attempt = 0; attempt < 3; attempt++) {
    const status = await put().catch((error) => error.code);
    console.log('PUT ' + status);
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
};
`;

/** The role and the function that every template with custom resources needs. */
export const HANDLER_RESOURCES = {
  Role: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
    },
  },
  Handler: functionResource(HANDLER),
};

export function functionResource(code: string, properties: object = {}): object {
  const Role = { 'Fn::GetAtt': ['Role', 'Arn'] };
  return {
    Type: 'AWS::Lambda::Function',
    Properties: { Role, Handler: 'index.handler', Runtime: 'nodejs20.x', Timeout: 60, Code: { ZipFile: code }, ...properties },
  };
}

export function custom(properties: object, more: object = {}): object {
  return { Type: 'Custom::Thing', Properties: { ServiceToken: { 'Fn::GetAtt': ['Handler', 'Arn'] }, ...properties }, ...more };
}

export interface LoggedRequest {
  readonly RequestType: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly OldResourceProperties?: Readonly<Record<string, unknown>>;
}

/** The requests that the handler received. */
export const requests = (rehearsal: Rehearsal): LoggedRequest[] =>
  rehearsal.journal.entries
    .filter(({ source, message }) => source === 'lambda' && message.startsWith('REQUEST '))
    .map(({ message }) => JSON.parse(message.slice('REQUEST '.length)) as LoggedRequest);

/** `Subject STATUS` of each event since `from`, without times and reasons. */
export const events = (rehearsal: Rehearsal, from = 0): string[] =>
  rehearsal.journal.entries
    .slice(from)
    .filter(({ source }) => source === 'cloudformation')
    .map(({ subject, message }) => `${subject.replace('Stack/', '')} ${message.split(' ')[0] ?? ''}`);

export const reasons = (rehearsal: Rehearsal, status: string): string[] =>
  rehearsal.journal.entries
    .filter(({ source, message }) => source === 'cloudformation' && message.startsWith(`${status} `) && message.includes(': '))
    .map(({ message }) => message.slice(message.indexOf(': ') + 2));
