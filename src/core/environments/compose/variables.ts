import type { Release } from '../../model/events';
import { plainEnvironment } from '../process/plain-environment';
import type { PlatformPlace } from '../platform';

/** What says where the engine is and how it builds. What would choose other files or another project is left out. */
const ofEngine =
  /^(DOCKER_(HOST|CONTEXT|CONFIG|CERT_PATH|TLS|TLS_VERIFY|API_VERSION|BUILDKIT|DEFAULT_PLATFORM)|BUILDKIT_.*|BUILDX_.*|CONTAINER(S)?_.*|COMPOSE_(HTTP_TIMEOUT|PARALLEL_LIMIT|DOCKER_CLI_BUILD|TLS_VERSION|BAKE)|SSH_AUTH_SOCK)$/;

/** What the engine's client and compose inherit of the user's environment. */
export function engineEnvironment(base: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(base).filter(([name, value]) => value !== undefined && ofEngine.test(name));
  return { ...plainEnvironment(base), ...(Object.fromEntries(kept) as Record<string, string>) };
}

/** The variables that tell a release what it is, in compose's files as in the container. */
export function releaseVariables({ environment, service }: PlatformPlace, { commit, tree }: Pick<Release, 'commit' | 'tree'>) {
  return { DELIVERY_ENVIRONMENT: environment, DELIVERY_SERVICE: service, DELIVERY_COMMIT: commit, DELIVERY_TREE: tree };
}
