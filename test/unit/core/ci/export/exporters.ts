import type { CiDescriptor, CiFile, CiPipeline, ExportOptions } from '../../../../../src/core/ci/ci-service';
import type { ExportedBy } from '../../../../../src/core/ci/export/exported-file';
import { github as onGithub } from '../../../../../src/core/ci/github/descriptor';
import { workflow } from '../../../../../src/core/ci/github/workflow';
import { gitlab as onGitlab } from '../../../../../src/core/ci/gitlab/descriptor';
import { pipelineFiles } from '../../../../../src/core/ci/gitlab/pipeline-file';
import { jenkins as onJenkins } from '../../../../../src/core/ci/jenkins/descriptor';
import { jenkinsfile } from '../../../../../src/core/ci/jenkins/jenkinsfile';

/** A CI service whose exporter is loaded. */
export interface Exporter extends ExportedBy, Pick<CiDescriptor, 'label'> {
  files(services: readonly CiPipeline[], options: ExportOptions): CiFile[];
}

export const github: Exporter = { ...onGithub, files: (services, options) => services.map((service) => workflow(service, options)) };
export const gitlab: Exporter = { ...onGitlab, files: pipelineFiles };
export const jenkins: Exporter = { ...onJenkins, files: (services, options) => services.map((service) => jenkinsfile(service, options)) };
export const exporters: readonly Exporter[] = [github, gitlab, jenkins];
