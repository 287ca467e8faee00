/** A simulated process. After it is killed, its tasks neither start nor settle. */
export class KillableProcess {
  private killed = false;

  get isKilled(): boolean {
    return this.killed;
  }

  kill(): void {
    this.killed = true;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.waitForeverIfKilled();
    try {
      return await task();
    } finally {
      await this.waitForeverIfKilled();
    }
  }

  private waitForeverIfKilled(): Promise<void> {
    return this.killed ? new Promise(() => undefined) : Promise.resolve();
  }
}
