import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type { Property, PropertyType, SpecDatabase } from '@aws-cdk/service-spec-types';
import type { PropertySchema, ResourceSchema, TypeSchema } from './resource-schema';

/** Returns the schemas of all resource types as lines of type name, tab, and JSON schema. Takes about two seconds. */
export function extractSchemas(): string {
  const db = loadAwsServiceSpecSync();
  return db
    .all('resource')
    .map((resource) => {
      const definitions: Record<string, Record<string, PropertySchema>> = {};
      const properties = propertiesOf(resource.properties, db, definitions);
      const schema: ResourceSchema = { properties, attributes: Object.keys(resource.attributes), definitions };
      return `${resource.cloudFormationType}\t${JSON.stringify(schema)}\n`;
    })
    .join('');
}

type Definitions = Record<string, Record<string, PropertySchema>>;

function propertiesOf(
  properties: Readonly<Record<string, Property>>,
  db: SpecDatabase,
  definitions: Definitions,
): Record<string, PropertySchema> {
  const entries = Object.entries(properties).map(([name, { type, previousTypes = [], required, causesReplacement }]) => {
    // a property still accepts its earlier types
    const types = [type, ...previousTypes].map((acceptedType) => typeOf(acceptedType, db, definitions));
    const [only, ...more] = types;
    const schema: PropertySchema = {
      type: only === undefined || more.length > 0 ? { union: types } : only,
      ...(required === true ? { required } : {}),
      ...(causesReplacement === 'yes' || causesReplacement === 'maybe' ? { createOnly: true } : {}),
    };
    return [name, schema] as const;
  });
  return Object.fromEntries(entries);
}

function typeOf(type: PropertyType, db: SpecDatabase, definitions: Definitions): TypeSchema {
  switch (type.type) {
    case 'array':
      return { array: typeOf(type.element, db, definitions) };
    case 'map':
      return { map: typeOf(type.element, db, definitions) };
    case 'union':
      return { union: type.types.map((member) => typeOf(member, db, definitions)) };
    case 'ref': {
      const id = type.reference.$ref;
      if (!(id in definitions)) {
        // set the definition first, because it may refer to itself
        definitions[id] = {};
        definitions[id] = propertiesOf(db.get('typeDefinition', id).properties, db, definitions);
      }
      return { ref: id };
    }
    case 'string':
    case 'integer':
      return type.allowedValues === undefined ? type.type : { enum: type.allowedValues };
    case 'number':
    case 'boolean':
    case 'json':
    case 'date-time':
    case 'null':
    case 'tag':
      return type.type;
  }
}
