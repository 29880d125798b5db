import * as path from 'node:path';
import type { ComposeDefinition } from './descriptor';
import { ok, type Result } from '../../model/result';
import { shortCommit } from '../../support/format';
import type { LogOptions, WriteLine } from '../environment';
import {
  type KeptRelease,
  type Observed,
  type Platform,
  type PlatformDeploy,
  type PlatformDeployed,
  type PlatformPlace,
  releaseFrom,
  secretsOf,
} from '../platform';
import { environmentNames } from '../process/state-file';
import { ServiceRecords } from '../recorded/service-record';
import { engineHost, urlOf } from './addresses';
import { dependencyContainers, isContainerOf, remove, restoreRelease, type StartedRelease, startRelease, stop } from './start-release';
import { composeFiles, resolveFiles } from './compose-files';
import { chooseTarget } from './config';
import { type Container, label, networkOf, newestContainer, observedServices, projectOf } from './containers';
import { callProgram, checkEngine, ContainerEngine, isProgram, ProgramFinder } from './engine';
import { probeService } from './health';
import { forgetImages, pin, pinnedImage } from './images';
import { writeLogs } from './logs';
import { prepare, releaseVariables } from './prepare';
import { type Recipe, Recipes } from './recipe';

/** Returns a finder for the programs of this machine. */
export function createProgramFinder(): ProgramFinder {
  return new ProgramFinder((signal) => async (program, args) => callProgram(program, args, signal), isProgram);
}

/** The events after which the status of a container may differ. */
const healthEvents = ['start', 'die', 'destroy', 'pause', 'unpause', 'rename', 'health_status'];

/**
 * An environment of containers that compose starts from the service's own files. The files are never edited: Deliver adds an
 * override file.
 */
export class ComposePlatform implements Platform {
  private readonly recipes: Recipes;

  constructor(
    private readonly definition: ComposeDefinition,
    private readonly place: PlatformPlace,
    private readonly programs: ProgramFinder,
  ) {
    this.recipes = new Recipes(place.folder);
  }

  async check(folder: string, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const files = composeFiles(folder, this.definition.files, this.place.environment);
    if (!files.ok) return files;
    // The commit and the secrets are unknown yet. The files must be valid without them.
    const unknown = { commit: '0'.repeat(40), tree: '0'.repeat(40) };
    const env = { ...releaseVariables(this.place, unknown), ...this.definition.env };
    const call = { project: projectOf(this.place), folder, files: files.value, env, run: `check-${process.pid}`, signal };
    const others = process.env as Readonly<Record<string, string>>;
    const [answers, resolved] = await Promise.all([
      checkEngine(engine.value.programs, (program, args) => callProgram(program, args, signal)),
      resolveFiles(engine.value, call, { secrets: {}, others }, this.cacheFile),
    ]);
    if (!answers.ok) return answers;
    if (!resolved.ok) return resolved;
    const target = chooseTarget(resolved.value.config, this.place.service, this.definition.service);
    return target.ok ? ok(undefined) : target;
  }

  async deploy(request: PlatformDeploy, log: WriteLine, signal: AbortSignal): Promise<Result<PlatformDeployed>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const prepared = await prepare(engine.value, this.definition, this.place, this.cacheFile, request, log, signal);
    if (!prepared.ok) return prepared;
    const { recipe, build } = prepared.value;
    const { secrets, current } = request;
    const image = recipe.override.services[recipe.target]?.image;
    if (image !== undefined) log(build ? `building ${image}` : `${image} exists: nothing to build`);
    const started = await startRelease(engine.value, this.place, recipe, { secrets, build, log, signal });
    const kept = started.ok ? await this.keep(engine.value, recipe, started.value) : started;
    if (kept.ok) {
      if (kept.value.url !== '') log(`live at ${kept.value.url}`);
      return kept;
    }
    const restored = await this.restorePrevious(engine.value, recipe, current, secrets, log);
    // The image of a failed deployment is not kept. The engine refuses the removal if something else uses it.
    if (build && image !== undefined) await engine.value.run(['image', 'rm', image], new AbortController().signal);
    if (restored.ok) return kept;
    const message = `${kept.failure.message}; the previous release could not be restored: ${restored.failure.message}`;
    return { ok: false, failure: { ...kept.failure, message } };
  }

  async restore(to: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<{ readonly url: string }>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const { release } = to;
    const before = await this.containers(engine.value, signal);
    if (!before.ok) return before;
    const secrets = secretsOf(to, process.env);
    const restored = await restoreRelease(
      engine.value,
      this.place,
      { release, recipe: this.recipes.read(release.id), secrets },
      log,
      signal,
    );
    if (restored.ok) return ok({ url: restored.value.url });
    const live = releaseFrom(newestContainer(before.value)?.labels[label.release]);
    const formerRecipe = live && this.recipes.read(live.id);
    if (!formerRecipe || formerRecipe.release.id === release.id) return restored;
    log(`${shortCommit(release.commit)} did not come up: restoring ${shortCommit(formerRecipe.release.commit)}`);
    const formerSecrets = secretsOf({ ...to, secrets: formerRecipe.secrets }, process.env);
    const former = { release: formerRecipe.release, recipe: formerRecipe, secrets: formerSecrets };
    const recovered = await restoreRelease(engine.value, this.place, former, log, new AbortController().signal);
    if (recovered.ok) return restored;
    const message = `${restored.failure.message}; the previous release could not be restored either: ${recovered.failure.message}`;
    return { ok: false, failure: { ...restored.failure, message } };
  }

  /** Removes the service. Its dependencies are stopped and kept, because they hold customer data. */
  async takeDown(_live: KeptRelease, _log: WriteLine, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const present = await this.containers(engine.value, signal);
    if (!present.ok) return present;
    const removed = await remove(engine.value, present.value, signal);
    if (!removed.ok) return removed;
    const needs = await dependencyContainers(engine.value, this.place, signal);
    if (!needs.ok) return needs;
    const stopped = await stop(engine.value, needs.value, signal);
    if (stopped.ok) await this.removeNetwork(engine.value, signal);
    return stopped;
  }

  /** Removes all containers. The volumes of its dependencies are kept, because they hold customer data. */
  async remove(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const down = await this.takeDown(live, () => {}, signal);
    if (!down.ok) return down;
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const needs = await dependencyContainers(engine.value, this.place, signal);
    if (!needs.ok) return needs;
    const removed = await remove(engine.value, needs.value, signal);
    if (removed.ok) await this.removeNetwork(engine.value, signal);
    return removed;
  }

  /** The network stays while it has containers of other services, running or not. */
  private async removeNetwork(engine: ContainerEngine, signal: AbortSignal): Promise<void> {
    const others = await engine.containers({ [label.environment]: this.place.environment }, signal);
    if (others.ok && others.value.length === 0) await engine.run(['network', 'rm', networkOf(this.place.environment)], signal);
  }

  async observe(live: KeptRelease | undefined, signal: AbortSignal): Promise<Result<readonly Observed[]>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const { environment, service } = this.place;
    const all = await engine.value.containers({ [label.environment]: environment }, signal);
    if (!all.ok) return all;
    const observed = observedServices(all.value, (container) => urlOf(container, engineHost(process.env)));
    const present = observed.find((status) => status.service === service);
    if (!present && live)
      return ok([...observed, { service, state: 'unhealthy', reason: 'its container was removed', release: live.release }]);
    if (present?.state !== 'healthy') return ok(observed);
    // The container is healthy. Probe the service as at its deployment.
    const recipe = present.release && this.recipes.read(present.release.id);
    const { health, folder, env } = recipe ?? { health: undefined, folder: this.place.folder, env: {} };
    const problem = await probeService({ health, url: present.url ?? '', folder, env });
    return ok(
      problem === undefined
        ? observed
        : observed.map((status) => (status === present ? { ...present, state: 'unhealthy', reason: problem } : status)),
    );
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const engine = await this.open(signal);
    if (!engine.ok) return;
    const filters = [
      `label=${label.environment}=${this.place.environment}`,
      'type=container',
      ...healthEvents.map((event) => `event=${event}`),
    ];
    const args = ['events', '--format', '{{.Type}}', ...filters.flatMap((filter) => ['--filter', filter])];
    await engine.value.stream(args, signal, changed);
  }

  async logs(_live: KeptRelease, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    return engine.ok ? writeLogs(engine.value, this.place, options, write, signal) : engine;
  }

  async stop(_live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const present = await this.containers(engine.value, signal);
    if (!present.ok) return present;
    const needs = await dependencyContainers(engine.value, this.place, signal);
    if (!needs.ok) return needs;
    const stopped = await stop(engine.value, present.value, signal);
    return stopped.ok ? stop(engine.value, needs.value, signal) : stopped;
  }

  async start(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const needs = await dependencyContainers(engine.value, this.place, signal);
    if (!needs.ok) return needs;
    const down = needs.value.filter(({ status }) => status !== 'running').map(({ id }) => id);
    const started = down.length === 0 ? ok(undefined) : await engine.value.run(['start', ...down], signal);
    if (!started.ok) return started;
    const restored = await this.restore(live, () => {}, signal);
    return restored.ok ? ok(undefined) : restored;
  }

  async forget(releases: readonly KeptRelease[], kept: readonly KeptRelease[]): Promise<void> {
    if (releases.length === 0) return;
    const signal = new AbortController().signal;
    const engine = await this.open(signal);
    for (const { release } of releases) this.recipes.forget(release.id);
    if (!engine.ok) return;
    // Another environment may need the same image for a rollback.
    const home = path.resolve(this.place.folder, '..', '..', '..');
    const elsewhere = environmentNames(home).flatMap((name) => new ServiceRecords(home, name).keptReleases());
    const others = elsewhere.filter(({ release }) => !releases.some((gone) => gone.release.id === release.id));
    await forgetImages(
      engine.value,
      releases.map(({ image }) => image),
      [...kept, ...others],
      signal,
    );
  }

  /** Stores the recipe of the release and gives its image a permanent name. */
  private async keep(engine: ContainerEngine, recipe: Recipe, { url, image }: StartedRelease): Promise<Result<PlatformDeployed>> {
    const { services } = recipe.override;
    const named = services[recipe.target]?.image;
    const name = named ?? pinnedImage(this.place.service, image);
    const pinned = named === undefined ? await pin(engine, name, image, new AbortController().signal) : ok(undefined);
    if (!pinned.ok) return pinned;
    const override = { ...recipe.override, services: { ...services, [recipe.target]: { ...services[recipe.target], image: name } } };
    this.recipes.keep({ ...recipe, override, image });
    return ok({ url, image });
  }

  /** Restores the former release after a failed or cancelled deployment. A cancel does not stop it. */
  private async restorePrevious(
    engine: ContainerEngine,
    failed: Recipe,
    current: KeptRelease | undefined,
    given: Readonly<Record<string, string>>,
    log: WriteLine,
  ): Promise<Result<void>> {
    const signal = new AbortController().signal;
    const present = await this.containers(engine, signal);
    if (!present.ok) return present;
    const made = present.value.filter((container) => isContainerOf(container, failed.release.id));
    const left = present.value.filter((container) => !made.includes(container));
    if (!current) {
      // compose may have stopped the container of a release that was delivered elsewhere.
      const removed = await remove(engine, made, signal);
      return removed.ok && left.length > 0 ? engine.run(['start', ...left.map(({ id }) => id)], signal) : removed;
    }
    const isLive = left.some((container) => isContainerOf(container, current.release.id) && container.status === 'running');
    if (isLive) return remove(engine, made, signal);
    log(`restoring ${shortCommit(current.release.commit)}`);
    const { release } = current;
    const secrets = { ...given, ...secretsOf(current, process.env) };
    const restored = await restoreRelease(engine, this.place, { release, recipe: this.recipes.read(release.id), secrets }, log, signal);
    return restored.ok ? ok(undefined) : restored;
  }

  private get cacheFile(): string {
    return path.join(this.place.folder, 'resolved.json');
  }

  /** Returns the containers of this service, of all its releases. */
  private async containers(engine: ContainerEngine, signal: AbortSignal): Promise<Result<Container[]>> {
    return engine.containers({ [label.environment]: this.place.environment, [label.service]: this.place.service }, signal);
  }

  private async open(signal: AbortSignal): Promise<Result<ContainerEngine>> {
    const programs = await this.programs.find(signal);
    return programs.ok ? ok(new ContainerEngine(programs.value)) : programs;
  }
}
