import type { Keys } from '../../aws/kms/keys';
import type { ResourceType } from './resource-type';

export const kmsTypes = (keys: Keys): Readonly<Record<string, ResourceType>> => ({
  'AWS::KMS::Key': {
    create: ({ stack }) => {
      const { keyId, arn } = keys.create(stack);
      return { physicalId: keyId, attributes: { KeyId: keyId, Arn: arn } };
    },
    update: ({ physicalId, attributes }) => ({ physicalId, attributes }),
    delete: ({ stack, physicalId }) => {
      keys.scheduleDeletion(stack, physicalId);
    },
  },
});
