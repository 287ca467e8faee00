import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CfnResource } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { VpcPeeringAuthorization, VpcPeeringConnection, VpcPeeringRole } from '../lib';

/*
 * Parses the table in docs/compliance.md. The tests compare it with the findings of two versions of cdk-nag.
 */

const ROOT = join(__dirname, '..');

/** The id of a rule, and the type of the resource that violates it. */
export type Finding = `${string} ${string}`;

/** A row of the table in docs/compliance.md. */
interface DocumentedFinding {
  readonly finding: Finding;
  /** The major versions of cdk-nag that report it. */
  readonly versions: readonly string[];
  /** Whether a configuration of the constructs removes it. */
  readonly isRemovable: boolean;
}

/** The texts between backticks in a cell of a table. */
export const codeSpansIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

export function documentedFindings(): readonly DocumentedFinding[] {
  const rows = readFileSync(join(ROOT, 'docs', 'compliance.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').slice(1, -1));
  return rows.flatMap(([rules, resource, versions = '', , removal = '']) =>
    codeSpansIn(rules).map((rule) => ({
      finding: `${rule} ${codeSpansIn(resource).at(-1) ?? ''}` as const,
      versions: versions.trim().split(', '),
      isRemovable: !removal.trim().startsWith('nothing'),
    })),
  );
}

/** Whether a construct of this library created the resource. */
export function isFromLibrary({ node }: IConstruct): boolean {
  return node.scopes.some(
    (scope) =>
      scope instanceof VpcPeeringAuthorization ||
      scope instanceof VpcPeeringConnection ||
      scope instanceof VpcPeeringRole ||
      scope.node.id.startsWith('GameLiftVpcPeering'),
  );
}

export function findingOf(ruleId: string, { cfnResourceType }: CfnResource): Finding {
  return `${ruleId} ${cfnResourceType}`;
}

/** Synthesizes all examples. The test has replaced cdk-nag by a mock. */
export function synthesizeExamples(): void {
  const directory = join(ROOT, 'examples');
  const outdir = mkdtempSync(join(tmpdir(), 'compliance-'));
  process.env.CDK_OUTDIR = outdir;
  try {
    for (const file of readdirSync(directory).filter((file) => file.endsWith('.ts'))) {
      jest.requireActual(join(directory, file));
    }
  } finally {
    delete process.env.CDK_OUTDIR;
    rmSync(outdir, { recursive: true, force: true });
  }
}
