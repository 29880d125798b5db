/** Any answer that says it went well, 304, and a redirect that was asked for. */
export interface HttpAnswer {
  readonly state: 'answered';
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Where it came from in the end. */
  readonly url: string;
}

/** Why a request has no answer that can be used. */
export interface HttpFailure {
  readonly state: 'failed';
  /** `offline`: the server could not be reached. `token`: it wants one, or another. `limit`: asked too often. `answer`: it said something else. */
  readonly reason: 'offline' | 'token' | 'limit' | 'answer';
  /** One sentence for people, naming what was answered. */
  readonly message: string;
  readonly hint?: string;
  /** ISO 8601: not to be asked again before. */
  readonly retryAt?: string;
  /** What was answered; absent where nothing was. */
  readonly status?: number;
}
