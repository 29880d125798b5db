import type { HttpClient } from '../http/http-client';
import type { DefinitionKind } from '../model/definition-kind';
import type { CiDefinition, Pipeline } from '../model/pipeline';
import type { ProblemFound } from '../model/events';
import type { TokenServer, Tokens } from '../model/tokens';
import type { CiClient } from './ci-client';
import type { RepositoryFacts } from './export/repository-facts';

/** The kind of a CI service, as `delivery.yaml` writes it: `github`. */
export type CiName = string;

/** The kind of a CI service, or `local` for this machine. */
export type EngineName = string;

/** A service of the repository, with its folder relative to the root, with `/`; empty for the root. */
export interface CiPipeline {
  readonly folder: string;
  readonly pipeline: Pipeline;
}

export interface ExportOptions {
  /** The packed file of Deliver in the repository, relative to its root, which `npx` runs. Steps that deploy or verify need it. */
  readonly package?: string;
  /** Absent: only the paths of the files matter. */
  readonly repository?: RepositoryFacts;
}

/** A file of a CI service as the pipelines define it: without its head and without preserved regions. */
export interface CiFile {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  /** The service that it delivers. Absent: it only brings the files of all services together. */
  readonly service?: string;
  /** The definition that it is generated from. */
  readonly source: string;
  readonly body: string;
  /** The file that has its jobs while the repository has another number of services. */
  readonly earlier?: EarlierFile;
  /** Warnings: missing features, requirements and exceeded limits of the CI service. */
  readonly notes: readonly string[];
}

/** A file whose preserved regions move to another file when the number of services changes. */
export interface EarlierFile {
  readonly path: string;
  /** The file that shows by one of its lines that the jobs are still there. */
  readonly root: string;
  readonly mark: string;
  /** The first line of each job there, with the one here. */
  readonly jobs: ReadonlyMap<string, string>;
}

/** A place in a pipeline file where a delivery waits for a person. */
export interface ApprovalPlace {
  /** From 1. */
  readonly line: number;
  readonly message: string;
  /** Only settings outside of the repository tell whether the delivery waits. */
  readonly isPossible?: true;
}

/** A CI service: `github`, `gitlab` and so on. A descriptor is light: what exports pipelines and what sends requests is loaded when it is used. */
export interface CiDescriptor<Checked = unknown> extends DefinitionKind<Checked, Omit<CiDefinition, 'kind'>> {
  readonly label: string;

  /** The settings that `delivery.yaml` must give, as an example. Absent: all of them can follow from the git remote. */
  readonly requiredSettings?: string;
  /** The word for the place on the server, which is also the setting that names it: `repository`. */
  readonly place: string;
  /** Matches the names of hosts that certainly run this service. */
  readonly hosts?: RegExp;
  /** Returns the address that requests go to, where it is another than that of the server. */
  apiOf?(server: string): string;
  readonly tokens: TokenServer;
  /** The user name that git sends with a token. Absent: the service hosts no repositories. */
  readonly gitUser?: string;
  /** The push option that keeps a push from starting a run. Absent: a push to a delivery branch starts none. */
  readonly quietPush?: string;

  /** Environment variables by which it finds the processes that a job leaves running, to end them. */
  readonly jobMarks?: readonly string[];
  /** The environment variable that names the file for a job's outputs. Deliver writes the address of a deployment to it, as `url`. */
  readonly outputsFile?: string;

  /** The environment variable that names the file for the summary of a job, in Markdown. */
  readonly summaryFile?: string;
  /** Returns the log line by which the service shows a problem at its place in the code. */
  readonly annotation?: (problem: ProblemFound) => string;

  /** How a comment begins in its files. */
  readonly comment: '#' | '//';
  /** The folders that hold its files for single services. A file in them may belong to a service that no longer exists. */
  readonly folders: readonly string[];
  /** Returns the files for all services of a repository. Writes none. */
  files(services: readonly CiPipeline[], options: ExportOptions): Promise<readonly CiFile[]>;

  /** Sends no request yet. */
  open(connection: CiConnection): Promise<CiClient>;

  /** Finds manual approvals in the pipeline files that people wrote. */
  readonly approvals?: {
    /** Globs relative to the repository root: `*` within a folder, leading or inner `**` for folders. */
    readonly files: readonly string[];
    find(content: string): Promise<readonly ApprovalPlace[]>;
  };
}

/** The pipeline of one service on a CI service. */
export interface CiConnection {
  /** The address that people open. */
  readonly server: string;
  /** The repository, project or job on it. */
  readonly place: string;
  readonly pipeline: Pipeline;
  /** All services of the repository, and the files that they export. */
  readonly services: readonly CiPipeline[];
  readonly files: readonly CiFile[];
  readonly client: HttpClient;
  readonly tokens: Tokens;
}

/** Returns the descriptor. The type of the checked value follows from its schema. */
export function describeCi<Checked>(descriptor: CiDescriptor<Checked>): CiDescriptor<Checked> {
  return descriptor;
}
