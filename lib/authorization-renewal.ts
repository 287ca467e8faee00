/**
 * When a deployment authorizes again.
 *
 * GameLift's authorization is valid for 24 hours. Creating or deleting a peering connection, and deleting a peered fleet,
 * need a valid one.
 */
export abstract class AuthorizationRenewal {
  /**
   * Authorize again when a property of the authorization changes.
   *
   * A deployment that changes nothing stays empty, and the template is the same with every synthesis.
   */
  static onChange(): AuthorizationRenewal {
    return new OnChange();
  }

  /**
   * Authorize again with every deployment of a newly synthesized template.
   *
   * The moment of the synthesis becomes a property, so that each synthesis makes a different template. Deploying the same
   * cloud assembly again renews nothing: a pipeline that synthesizes once and waits for an approval for longer than a
   * day deploys with the authorization that it had.
   */
  static everySynthesis(): AuthorizationRenewal {
    return new EverySynthesis();
  }

  /**
   * The value of the authorization's `Renewal` property: a new one makes CloudFormation update the authorization.
   *
   * @internal
   */
  abstract _bind(): string | undefined;
}

class OnChange extends AuthorizationRenewal {
  _bind(): string | undefined {
    return undefined;
  }
}

class EverySynthesis extends AuthorizationRenewal {
  _bind(): string | undefined {
    return new Date().toISOString();
  }
}
