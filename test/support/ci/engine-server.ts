import type { ServerResponse } from 'node:http';
import type { Asked, Reply } from '../http-server';
import type { ScriptedRuns } from './scripted-runs';

/** A CI service of the tests: a real server that follows the published API of a CI service. */
export interface EngineServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** The only accepted token. */
  readonly token: string;
  readonly runs: ScriptedRuns;
  /** All requests so far. */
  readonly asked: readonly Asked[];
  /** Inspects each request, and may return another answer, for faults and limits. */
  fault: Fault | undefined;
  /** Receives each answer before it is written, and may write it differently. */
  onAnswer: ((asked: Asked, response: ServerResponse) => void) | undefined;
  stop(): Promise<void>;
}

/** `cut`: bytes after which the connection breaks; `delayMs`: delay; `reply`: another answer. */
export type Fault = (asked: Asked) => { readonly cut?: number; readonly delayMs?: number; readonly reply?: Reply } | undefined;
