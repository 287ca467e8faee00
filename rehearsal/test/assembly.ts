import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Rehearsal } from '../src/index';

/** Writes a cloud assembly with one stack, as `cdk synth` does. Returns its directory. */
export function writeAssembly(template: object, stackName = 'Stack'): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'rehearsal-assembly-'));
  const write = (file: string, content: object) => {
    writeFileSync(path.join(directory, file), JSON.stringify(content));
  };
  write(`${stackName}.template.json`, template);
  const properties = { templateFile: `${stackName}.template.json` };
  const environment = 'aws://unknown-account/unknown-region';
  const artifacts = { [stackName]: { type: 'aws:cloudformation:stack', environment, properties } };
  // a version that no CDK has reached yet: the rehearsal must also read the assemblies of newer CDKs
  write('manifest.json', { version: '999.0.0', artifacts });
  return directory;
}

/**
 * The code of the function that handles custom resources. The properties `Create`, `Update` and `Delete` of a custom resource say what the
 * function does with a request of this type: `silent` (sends no response), `crash`, or an object with values of the response. The property
 * `Seconds` says how long the function waits first. The function logs each request as one line of JSON.
 *
 * The function makes up to three attempts to send its response, and logs the result of each as `PUT 200`, for example. The content type is
 * empty, because the response URL accepts no other.
 */
const HANDLER_CODE = `
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

/** The function that handles custom resources, and its role. Every template with custom resources needs these two resources. */
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
  Handler: functionResource(HANDLER_CODE),
};

export function functionResource(code: string, properties: object = {}): object {
  const Role = { 'Fn::GetAtt': ['Role', 'Arn'] };
  return {
    Type: 'AWS::Lambda::Function',
    Properties: { Role, Handler: 'index.handler', Runtime: 'nodejs20.x', Timeout: 60, Code: { ZipFile: code }, ...properties },
  };
}

/**
 * @param properties the values can refer to other resources, so that the resource depends on them
 * @param attributes resource attributes, such as `DependsOn`
 */
export function customResource(properties: object, attributes: object = {}): object {
  const ServiceToken = { 'Fn::GetAtt': ['Handler', 'Arn'] };
  return { Type: 'Custom::Thing', Properties: { ServiceToken, ...properties }, ...attributes };
}

export interface LoggedRequest {
  readonly RequestType: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly OldResourceProperties?: Readonly<Record<string, unknown>>;
}

/** The requests that the function has logged. */
export const requests = (rehearsal: Rehearsal): LoggedRequest[] =>
  rehearsal.journal.entries
    .filter(({ source, message }) => source === 'lambda' && message.startsWith('REQUEST '))
    .map(({ message }) => JSON.parse(message.slice('REQUEST '.length)) as LoggedRequest);

/**
 * The events of CloudFormation without times and reasons, such as `Vpc CREATE_COMPLETE`.
 *
 * @param from the index of the first journal entry that counts
 */
export const events = (rehearsal: Rehearsal, from = 0): string[] =>
  rehearsal.journal.entries
    .slice(from)
    .filter(({ source }) => source === 'cloudformation')
    .map(({ subject, message }) => `${subject.replace('Stack/', '')} ${message.split(' ')[0] ?? ''}`);

/** The reasons of all CloudFormation events with this status. */
export const reasons = (rehearsal: Rehearsal, status: string): string[] =>
  rehearsal.journal.entries
    .filter(({ source, message }) => source === 'cloudformation' && message.startsWith(`${status} `) && message.includes(': '))
    .map(({ message }) => message.slice(message.indexOf(': ') + 2));
