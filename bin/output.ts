/** Where what a command says goes. */
export interface Output {
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

export const CONSOLE: Output = { print: console.log, complain: console.error };
