/** A simulated process that can be killed. After that, its tasks neither start nor settle. */
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
