import { AWS_CUSTOM_RESOURCE } from './aws-custom-resource';
import { HANDWRITTEN, PROVIDER, PROVIDER_WITH_IS_COMPLETE } from './handlers';
import { LIBRARY } from './library';
import type { Way } from './way';

/** The alternatives to this library. */
export const ALTERNATIVES: readonly Way[] = [AWS_CUSTOM_RESOURCE, PROVIDER, PROVIDER_WITH_IS_COMPLETE, HANDWRITTEN];

export const WAYS: readonly Way[] = [LIBRARY, ...ALTERNATIVES];
