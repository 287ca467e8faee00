import type { Entry } from '../journal';

const UUID = /\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/** Shorter ids, and ids without digits, may be ordinary words: they are not replaced. */
const SHORTEST_ID = 8;

const MATCHES_NOTHING = '(?!)';

interface ResourceName {
  readonly stack: string;
  readonly name: string;
}

/** Knows a readable name, `stack/logicalId`, for each physical id that AWS generated. */
export class ResourceNames {
  private readonly byId = new Map<string, ResourceName>();
  private readonly pattern: RegExp;

  constructor(entries: readonly Entry[]) {
    const generations = new Map<string, number>();
    for (const { detail } of entries) {
      if (detail?.kind === 'resource' && detail.physicalId !== undefined && isGenerated(detail.physicalId)) {
        const { stack, logicalId, physicalId } = detail;
        if (!this.byId.has(physicalId)) {
          const name = `${stack}/${logicalId}`;
          const generation = (generations.get(name) ?? 0) + 1;
          generations.set(name, generation);
          // a replacement has the same logical id
          this.byId.set(physicalId, { stack, name: generation === 1 ? name : `${name} (${generation})` });
        }
      }
    }
    const longestFirst = [...this.byId.keys()].sort((one, other) => other.length - one.length);
    this.pattern = new RegExp(longestFirst.length === 0 ? MATCHES_NOTHING : longestFirst.map(escapePattern).join('|'), 'g');
  }

  /** The stack that created the resource with this id. */
  stackOf(physicalId: string): string | undefined {
    return this.byId.get(physicalId)?.stack;
  }

  /** Replaces ids with names, and puts the text on one line. */
  replaceIds(text: string): string {
    return text
      .replace(this.pattern, (id) => this.byId.get(id)?.name ?? id)
      .replace(UUID, '$1…')
      .replace(/\s+/g, ' ')
      .trim();
  }
}

function isGenerated(id: string): boolean {
  return id.length >= SHORTEST_ID && /\d/.test(id);
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
