import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CLOUDFORMATION_BEHAVIOURS } from 'rehearsal';
import { BEHAVIOURS } from 'rehearsal/aws';

/*
 * Checks that the links in the documents work, and that the messages that the documents explain exist in the library.
 */

const PROJECT = join(__dirname, '..', '..');
const read = (file: string): string => readFileSync(join(PROJECT, file), 'utf8');

const DOCUMENTS = [
  ...readdirSync(PROJECT).filter((file) => file.endsWith('.md') && file !== 'API.md'),
  ...readdirSync(join(PROJECT, 'docs')).flatMap((file) => (file.endsWith('.md') ? [`docs/${file}`] : [])),
  'rehearsal/README.md',
];

/** The anchors that GitHub gives to headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

test.each(DOCUMENTS)('%s links only to files and headings of the repository that exist', (document) => {
  const links = [...read(document).matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target = '']) => target);
  const brokenLinks = links.filter((target) => {
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? document : join(dirname(document), path);
    return !existsSync(join(PROJECT, file)) || (anchor !== undefined && !anchorsOf(read(file)).includes(anchor));
  });
  expect(brokenLinks).toEqual([]);
});

test('each link to a form for a new issue names a form that exists', () => {
  const forms = DOCUMENTS.flatMap((document) =>
    [...read(document).matchAll(/issues\/new\?template=([\w.-]+)/g)].map(([, form = '']) => form),
  );
  expect(forms).toContain('observations.yml');
  expect(forms.filter((form) => !existsSync(join(PROJECT, '.github', 'ISSUE_TEMPLATE', form)))).toEqual([]);
});

test('docs/observations.md has a query for the message that the handler logs', () => {
  expect(read('docs/observations.md')).toContain("filter message.message = 'observed how AWS behaves'");
  expect(read('lambda/handler.ts')).toContain("{ message: 'observed how AWS behaves', question, reading }");
});

test.each(['README.md', 'docs/troubleshooting.md'])('%s explains only messages that exist in the library', (document) => {
  const sources = ['lib', 'lambda'].flatMap((folder) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.d)\.ts$/.test(file))
      .map((file) => read(join(folder, file))),
  );
  // a long message continues on the next line: this joins its parts
  const source = sources.join('\n').replace(/['`"] \+\s+['`"]/g, '');
  const tables = read(document)
    .split('\n\n')
    .filter((block) => block.startsWith('| the message contains'));
  const messages = tables.flatMap((table) =>
    table
      .split('\n')
      .slice(2)
      .map((row) => /^\| `([^`]+)`/.exec(row)?.[1] ?? row),
  );
  expect(messages.length).toBeGreaterThan(5);
  expect(messages.filter((message) => !source.includes(message))).toEqual([]);
});

/** The questions of docs/what-aws-leaves-open.md, each with the name under which the rehearsal has its readings. */
const OPEN_QUESTIONS: readonly (readonly [question: string, name: string])[] = [
  ['What does authorizing again do while an authorization is valid?', 'authorizingAgain'],
  ['Does each use consume the authorization?', 'useOfAuthorization'],
  ['Is an authorization that was used still listed?', 'usedAuthorizations'],
  ['How does GameLift report a missing authorization?', 'missingAuthorization'],
  ['What does deleting an authorization that does not exist return?', 'deletingAbsentAuthorization'],
  ['Does `CreateVpcPeeringConnection` check the permissions of its caller in EC2?', 'connectingPermissions'],
  ['Does GameLift need permission to remove routes and rules?', 'removalPermissions'],
  ['What does creating a connection that exists return?', 'existingConnection'],
  ['What does creating a connection for a fleet that is not ACTIVE do?', 'connectingInactiveFleet'],
  ['Is a connection gone when `DeleteVpcPeeringConnection` returns?', 'deletingConnections'],
  ['Are deleted and failed connections still listed?', 'endedConnections'],
  ['Can the connection of a fleet with `peerOnCreate` be deleted on its own?', 'disconnectingPeeredFleet'],
  ['Is `VpcPeeringConnectionId` the id of EC2?', 'connectionIds'],
  ['What does `DescribeVpcPeeringConnections` return for a deleted fleet?', 'connectionsOfDeletedFleet'],
  ['Are fleet events written?', 'fleetEvents'],
  ['Does EC2 show a connection that failed to the owner of the VPC?', 'failedSeenByAccepter'],
  ['Which routes and rules does GameLift write?', 'peerVpcWrites'],
  ['Does GameLift remove these routes and rules with the connection?', 'peerVpcWritesOnDelete'],
  ['Can the VPCs of two fleets have the same addresses?', 'fleetCidrBlocks'],
  ['When does a read show the last write?', 'readBack'],
  ['When is a new role or policy known everywhere?', 'iamPropagation'],
  ['Which error says that a call is over the rate limit?', 'throttlingError'],
  ['Do throttled calls count against the rate limit?', 'throttledCalls'],
  ['When does CloudFormation call `DeleteFleet`?', 'fleetDeletion'],
  ['Does CloudFormation remove tags of a fleet that it did not set?', 'foreignFleetTags'],
  ['Does CloudFormation store the physical id in the response to a failed update?', 'failedUpdatePhysicalId'],
];

test('the rehearsal has readings for each question in docs/what-aws-leaves-open.md', () => {
  // the rows of all tables, without their headers
  const rows = read('docs/what-aws-leaves-open.md')
    .split('\n')
    .filter((line) => /^\| (?!---|question )/.test(line));
  expect(rows.map((row) => row.split('|')[1]?.trim())).toEqual(OPEN_QUESTIONS.map(([question]) => question));
  const names = Object.keys({ ...BEHAVIOURS, ...CLOUDFORMATION_BEHAVIOURS });
  expect(OPEN_QUESTIONS.filter(([, name]) => !names.includes(name))).toEqual([]);
});
