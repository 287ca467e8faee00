/** A simulated process that can be killed: from then on it starts nothing, and nothing that it waits for ever comes. */
export class Killable {
  private killed = false;

  get isKilled(): boolean {
    return this.killed;
  }

  kill(): void {
    this.killed = true;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.unlessKilled();
    try {
      return await task();
    } finally {
      await this.unlessKilled();
    }
  }

  private unlessKilled(): Promise<void> {
    return this.killed ? new Promise(() => undefined) : Promise.resolve();
  }
}
