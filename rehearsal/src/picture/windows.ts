import type { AuthorizationChange, AuthorizationKey } from '../aws/gamelift/authorizations';

/** A period in which an authorization was valid without interruption. */
interface AuthorizationWindow {
  readonly from: number;
  /** Later than the end of the life if the authorization was still valid at that time. */
  readonly to: number;
  readonly endedBy: 'expiry' | 'cancellation' | 'consumption';
}

/** The history of GameLift's authorization for one peer VPC and GameLift account. */
export interface AuthorizationHistory {
  readonly key: AuthorizationKey;
  readonly windows: readonly AuthorizationWindow[];
  readonly changes: readonly AuthorizationChange[];
}

/** One history for each authorization, in the order of their first changes. */
export function authorizationHistories(changes: readonly AuthorizationChange[]): AuthorizationHistory[] {
  const byKey = new Map<string, AuthorizationChange[]>();
  for (const change of changes) {
    const { peerVpcAccount, peerVpcId, gameLiftAccount, region } = change;
    const key = [peerVpcAccount, peerVpcId, gameLiftAccount, region].join(' ');
    byKey.set(key, [...(byKey.get(key) ?? []), change]);
  }
  return [...byKey.values()].flatMap((changesOfKey) => {
    const [first] = changesOfKey;
    return first === undefined ? [] : [{ key: first, windows: windowsOf(changesOfKey), changes: withoutRepeats(changesOfKey) }];
  });
}

/** The windows of one authorization. */
export function windowsOf(changes: readonly AuthorizationChange[]): AuthorizationWindow[] {
  const windows: AuthorizationWindow[] = [];
  for (const change of changes) {
    const lastWindow = windows.at(-1);
    const validWindow = lastWindow !== undefined && change.time < lastWindow.to ? lastWindow : undefined;
    switch (change.kind) {
      case 'authorized':
        // a renewal makes the window that is still valid longer
        if (validWindow !== undefined) {
          windows.pop();
        }
        windows.push({ from: validWindow?.from ?? change.time, to: change.expirationTime, endedBy: 'expiry' });
        break;
      case 'canceled':
      case 'consumed':
        if (validWindow !== undefined) {
          windows.pop();
          windows.push({
            from: validWindow.from,
            to: change.time,
            endedBy: change.kind === 'canceled' ? 'cancellation' : 'consumption',
          });
        }
        break;
      case 'used':
      case 'missing':
        break;
    }
  }
  return windows;
}

/** Removes repeated changes: a call that looks for the authorization twice records `used` or `missing` twice. */
function withoutRepeats(changes: readonly AuthorizationChange[]): AuthorizationChange[] {
  return changes.filter(({ kind, time }, index) => {
    const previous = changes[index - 1];
    return previous?.kind !== kind || previous.time !== time;
  });
}
