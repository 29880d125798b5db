import type { Pipeline } from '../model/pipeline';

export type CiName = 'github' | 'gitlab' | 'jenkins';

/** A service of the repository, with its folder relative to the root, with `/`; empty for the root. */
export interface CiPipeline {
  readonly folder: string;
  readonly pipeline: Pipeline;
}

export interface ExportOptions {
  /** The package that `npx` gets Deliver from: a packed file of the repository, or a name. Absent: the published one. */
  readonly package?: string;
}

/** A file of a CI service, as the pipelines ask for it: without its head and without anybody's own lines. */
export interface CiFile {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  /** The service that it delivers; absent where it only brings those of all services together. */
  readonly service?: string;
  /** The definition that it comes from. */
  readonly source: string;
  readonly body: string;
  /** What a person should know: what the engine cannot do, what it needs, which limit is passed. */
  readonly notes: readonly string[];
}

/** A CI service that can run the pipelines of a repository. */
export interface CiService {
  readonly name: CiName;
  /** What people call it. */
  readonly label: string;
  /** How a comment begins in its files. */
  readonly comment: '#' | '//';
  /** Where its files for single services lie together, and one may be left of a service that is there no more. */
  readonly folders: readonly string[];
  /** The files for all services of a repository; none of them is touched. */
  files(services: readonly CiPipeline[], options: ExportOptions): readonly CiFile[];
}
