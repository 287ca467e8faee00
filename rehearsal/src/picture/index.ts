export { layoutOf } from './layout';
export { picturedLife } from './life';
export type { PicturedLife } from './life';
export { pageOf } from './page';
