import type { ServerResponse } from 'node:http';
import type { Asked, Reply } from '../http-server';
import type { ScriptedRuns } from './scripted-runs';

/** A CI service of the tests: a real server that follows the published API of one. */
export interface EngineServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** What it accepts, and nothing else. */
  readonly token: string;
  readonly runs: ScriptedRuns;
  /** All requests so far. */
  readonly asked: readonly Asked[];
  /** Looks at each request before it is answered, and may answer in its place: faults, limits. Undefined: none. */
  fault: Fault | undefined;
  /** Gets each answer before it is written, and may take over how it goes out. */
  onAnswer: ((asked: Asked, response: ServerResponse) => void) | undefined;
  stop(): Promise<void>;
}

/** `cut`: the connection breaks after so many bytes of the answer; `delayMs`: it comes later; `reply`: another answer. */
export type Fault = (asked: Asked) => { readonly cut?: number; readonly delayMs?: number; readonly reply?: Reply } | undefined;
