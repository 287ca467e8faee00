/** One thing that happened: a sentence, and what it was about. Never a response URL, credentials or an external id. */
export type LogRecord = { readonly message: string } & Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  info(record: LogRecord): void;
  error(record: LogRecord): void;
}

/** The function's log format is JSON: Lambda adds time, level and request to each record. */
export const consoleLog: Log = {
  info: (record) => {
    console.info(record);
  },
  error: (record) => {
    console.error(record);
  },
};
