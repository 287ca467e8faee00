import type { AwsCredentialIdentityProvider, UserAgent } from '@smithy/types';
import { LIBRARY } from '../version';

/** What all clients of the AWS SDK are made with. Retries are the handler's own: the SDK gives up before a rate token is back. */
export const CLIENT = {
  maxAttempts: 1,
  customUserAgent: [[LIBRARY.name, LIBRARY.version]] satisfies UserAgent as UserAgent,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 20_000, throwOnRequestTimeout: true },
};

export type ClientConfig = typeof CLIENT & { readonly credentials?: AwsCredentialIdentityProvider };

/** Calls `load` at the first use. A client that few requests need is loaded only for those. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () =>
    (loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    }));
}
