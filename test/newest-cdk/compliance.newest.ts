import type { CfnResource, IAspect } from 'aws-cdk-lib';
import { Validations } from 'aws-cdk-lib-newest';
import { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks } from 'cdk-nag-newest';
import type { IConstruct } from 'constructs';
import { documentedFindings, findingOf, isFromLibrary, synthesizeExamples } from '../compliance';

/*
 * docs/compliance.md lists the findings of cdk-nag 3, which requires a newer CDK than the library does.
 */

// jest.mock may use only variables whose names begin with `mock`
const mockApps = new Set<IConstruct>();

/** The examples run the checks of cdk-nag 2. This mock replaces these checks, and only collects the apps of the examples. */
jest.mock('cdk-nag', () => ({
  NagSuppressions: { addStackSuppressions: (): void => undefined },
  AwsSolutionsChecks: class implements IAspect {
    visit({ node }: IConstruct): void {
      mockApps.add(node.root);
    }
  },
}));

/** The result of cdk-nag 3, whose own types require the newest CDK. */
interface Report {
  readonly violations: readonly {
    readonly ruleName: string;
    readonly violatingResources: readonly { readonly constructPath: string }[];
  }[];
}

interface Finding {
  /** The name of the rule. If the rule has several findings in a resource, the part of the resource follows in brackets. */
  readonly id: string;
  readonly resource: CfnResource;
}

function findingsIn(app: IConstruct): readonly Finding[] {
  const resources = new Map(app.node.findAll().map((construct) => [construct.node.path, construct]));
  const packs = [new AwsSolutionsChecks(app), new HIPAASecurityChecks(app), new NIST80053R5Checks(app)];
  return packs
    .flatMap((pack) => (pack.validateScope(app) as Report).violations)
    .flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => ({ id: ruleName, resource: resources.get(constructPath) as CfnResource })),
    )
    .filter(({ resource }) => isFromLibrary(resource));
}

test('docs/compliance.md lists the findings of cdk-nag 3 in the examples, and each finding can be acknowledged', () => {
  synthesizeExamples();
  const findings = [...mockApps].flatMap(findingsIn);
  const documented = documentedFindings().filter(({ versions }) => versions.includes('3'));
  const findingsWithoutPart = findings.map(({ id, resource }) => findingOf(id.replace(/\[.*\]$/, ''), resource));
  expect([...new Set(findingsWithoutPart)].sort()).toEqual(documented.map(({ finding }) => finding).sort());

  for (const { id, resource } of findings) {
    Validations.of(resource).acknowledge({ id, reason: 'as docs/compliance.md says' });
  }
  expect([...mockApps].flatMap(findingsIn)).toEqual([]);
}, 180_000);
