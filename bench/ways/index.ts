import { AWS_CUSTOM_RESOURCE } from './aws-custom-resource';
import { HANDWRITTEN, PROVIDER, PROVIDER_WITH_IS_COMPLETE } from './handlers';
import { LIBRARY } from './library';
import type { Way } from './way';

/** What people use today. */
export const PEERS: readonly Way[] = [AWS_CUSTOM_RESOURCE, PROVIDER, PROVIDER_WITH_IS_COMPLETE, HANDWRITTEN];

export const WAYS: readonly Way[] = [LIBRARY, ...PEERS];
