// What a suite has started: all of it ends with the suite, and at once where a part of it could not be started.

/** @returns what to start things by, and what to end them all by; each thing has a `close()` */
export function running() {
  const started = new Set();
  return {
    /** Waits for all; gives them in the same order. */
    async start(...starting) {
      for (const each of starting) started.add(each);
      const all = await Promise.allSettled(starting);
      const failed = all.find(({ status }) => status === "rejected");
      if (!failed) return all.map(({ value }) => value);
      // The runner may call no `after` when `before` has failed.
      await this.stop().catch(() => {});
      throw failed.reason;
    },
    /** Nothing that goes wrong with one keeps the others running. */
    async stop() {
      const ending = [...started].map(async (each) => (await Promise.resolve(each).catch(() => null))?.close());
      started.clear();
      const failed = (await Promise.allSettled(ending)).find(({ status }) => status === "rejected");
      if (failed) throw failed.reason;
    },
  };
}
