export * from './authorization-renewal';
export * from './peering-routes';
export * from './vpc-peering-authorization';
export * from './vpc-peering-connection';
export * from './vpc-peering-handler';
export * from './vpc-peering-role';
