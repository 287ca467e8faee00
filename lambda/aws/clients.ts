import type { AwsCredentialIdentityProvider, UserAgent } from '@smithy/types';
import type { Tags } from './api';
import { LIBRARY } from '../version';

/** The configuration of all clients. The handler retries calls itself, because the SDK gives up too early for GameLift's rate limit. */
export const CLIENT_CONFIG = {
  maxAttempts: 1,
  customUserAgent: [[LIBRARY.name, LIBRARY.version]] satisfies UserAgent as UserAgent,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 20_000, throwOnRequestTimeout: true },
};

export type ClientConfig = typeof CLIENT_CONFIG & { readonly credentials?: AwsCredentialIdentityProvider };

/** Returns a function that calls `load` on its first use, so that a client is loaded only for the requests that need it. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () =>
    (loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    }));
}

export function tagsOf(tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined): Tags {
  return Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
}

export function tagListOf(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
