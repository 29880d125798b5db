import { isAlive } from '../../process/process-identity';
import type { ServiceStatus } from '../../model/environment-status';
import type { EnvironmentStatus } from '../../model/environment-status';
import type { EnvironmentFiles, EnvironmentState, ServiceRecord } from './state-file';

/** What is live, by what the supervisor wrote down last. */
export function processStatus(state: EnvironmentState, files: EnvironmentFiles): EnvironmentStatus {
  const running = state.supervisor !== undefined && isAlive(state.supervisor);
  // A port that was only promised to a service is no service yet.
  const deployed = state.services.filter(({ current, earlier }) => current !== undefined || earlier.length > 0);
  const reason = state.supervisor ? 'its supervisor is gone, perhaps with a restart of the machine' : 'the environment was stopped';
  return {
    environment: state.environment,
    kind: state.kind,
    running,
    services: deployed.map((record) => serviceStatus(record, files, running ? undefined : reason)),
  };
}

function serviceStatus(
  { service, port, state, reason, current, earlier }: ServiceRecord,
  files: EnvironmentFiles,
  down: string | undefined,
): ServiceStatus {
  const why = down ?? reason;
  return {
    service,
    state: down === undefined ? state : 'stopped',
    ...(why !== undefined && { reason: why }),
    url: `http://127.0.0.1:${port}`,
    ...(current && {
      release: current.release,
      log: files.releaseLog(service, current.release.id),
      artifact: { slot: current.slot, folder: current.folder },
    }),
    ...(earlier[0] && { previous: earlier[0].release, earlier: earlier.map(({ release }) => release) }),
  };
}
