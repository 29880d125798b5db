import * as path from 'node:path';
import { ok, type Result } from '../../model/result';
import type { ComposeDefinition } from './descriptor';
import { environmentNames } from '../process/state-file';
import type { LogOptions, Say } from '../environment';
import {
  releaseFrom,
  secretsOf,
  type KeptRelease,
  type Observed,
  type Platform,
  type PlatformDeploy,
  type PlatformDeployed,
  type PlatformPlace,
} from '../platform';
import { ServiceRecords } from '../recorded/service-record';
import { engineHost, urlOf } from './addresses';
import { bringBack, remove, stop } from './bring-back';
import { bringUp, isOf, needsOf, type Up } from './bring-up';
import type { Container } from './containers';
import { callProgram, Engine, isProgram } from './engine';
import { composeFiles } from './files';
import { answers } from './health';
import { forgetImages, pin, pinnedImage } from './images';
import { label, newestOf, observedIn } from './labels';
import { writeLogs } from './logs';
import { networkOf, projectOf } from './names';
import { prepare } from './prepare';
import { askEngine, FoundPrograms } from './programs';
import { Recipes, type Recipe } from './recipe';
import { resolveFiles } from './resolve';
import { chooseTarget } from './target';
import { releaseVariables } from './variables';

/** The programs as this machine has them. */
export function composePrograms(): FoundPrograms {
  return new FoundPrograms((signal) => async (program, args) => callProgram(program, args, signal), isProgram);
}

/** What happens to a container that says something of how a service is. */
const tellingEvents = ['start', 'die', 'destroy', 'pause', 'unpause', 'rename', 'health_status'];

/**
 * An environment of containers, which compose brings up from the files that the service comes with. These are never edited:
 * what Deliver adds is said in a file of its own over them.
 */
export class ComposePlatform implements Platform {
  private readonly recipes: Recipes;

  constructor(
    private readonly definition: ComposeDefinition,
    private readonly place: PlatformPlace,
    private readonly programs: FoundPrograms,
  ) {
    this.recipes = new Recipes(place.folder);
  }

  async check(folder: string, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const files = composeFiles(folder, this.definition.files, this.place.environment);
    if (!files.ok) return files;
    // Which commit and which secrets it will be is not known yet: with them it can mean more, and not less.
    const unknown = { commit: '0'.repeat(40), tree: '0'.repeat(40) };
    const env = { ...releaseVariables(this.place, unknown), ...this.definition.env };
    const call = { project: projectOf(this.place), folder, files: files.value, env, run: `check-${process.pid}`, signal };
    const others = process.env as Readonly<Record<string, string>>;
    const [answers, resolved] = await Promise.all([
      askEngine(engine.value.programs, (program, args) => callProgram(program, args, signal)),
      resolveFiles(engine.value, call, { secrets: {}, others }, this.memory),
    ]);
    if (!answers.ok) return answers;
    if (!resolved.ok) return resolved;
    const target = chooseTarget(resolved.value.config, this.place.service, this.definition.service);
    return target.ok ? ok(undefined) : target;
  }

  async deploy(request: PlatformDeploy, log: Say, signal: AbortSignal): Promise<Result<PlatformDeployed>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const prepared = await prepare(engine.value, this.definition, this.place, this.memory, request, log, signal);
    if (!prepared.ok) return prepared;
    const { recipe, build } = prepared.value;
    const { secrets, current } = request;
    const image = recipe.override.services[recipe.target]?.image;
    if (image !== undefined) log(build ? `building ${image}` : `${image} is there: nothing is built`);
    const up = await bringUp(engine.value, this.place, recipe, { secrets, build, log, signal });
    const kept = up.ok ? await this.keep(engine.value, recipe, up.value) : up;
    if (kept.ok) {
      if (kept.value.url !== '') log(`live at ${kept.value.url}`);
      return kept;
    }
    const back = await this.giveBack(engine.value, recipe, current, secrets, log);
    // What was built for nothing is not kept; the engine refuses where something else uses it.
    if (build && image !== undefined) await engine.value.act(['image', 'rm', image], new AbortController().signal);
    if (back.ok) return kept;
    const message = `${kept.failure.message}; what was live before could not be brought back: ${back.failure.message}`;
    return { ok: false, failure: { ...kept.failure, message } };
  }

  async restore(to: KeptRelease, log: Say, signal: AbortSignal): Promise<Result<{ readonly url: string }>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const { release } = to;
    const before = await this.containers(engine.value, signal);
    if (!before.ok) return before;
    const secrets = secretsOf(to, process.env);
    const back = await bringBack(engine.value, this.place, { release, recipe: this.recipes.read(release.id), secrets }, log, signal);
    if (back.ok) return ok({ url: back.value.url });
    const live = releaseFrom(newestOf(before.value)?.labels[label.release]);
    const was = live && this.recipes.read(live.id);
    if (!was || was.release.id === release.id) return back;
    log(`${release.commit.slice(0, 8)} did not come up: bringing ${was.release.commit.slice(0, 8)} back`);
    const again = { release: was.release, recipe: was, secrets: secretsOf({ ...to, secrets: was.secrets }, process.env) };
    const left = await bringBack(engine.value, this.place, again, log, new AbortController().signal);
    if (left.ok) return back;
    return {
      ok: false,
      failure: { ...back.failure, message: `${back.failure.message}; and what was live is not: ${left.failure.message}` },
    };
  }

  /** What it depends on is stopped and kept: what customers entered is in there. */
  async takeDown(_live: KeptRelease, _log: Say, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const own = await this.containers(engine.value, signal);
    if (!own.ok) return own;
    const removed = await remove(engine.value, own.value, signal);
    if (!removed.ok) return removed;
    const needs = await needsOf(engine.value, this.place, signal);
    if (!needs.ok) return needs;
    const stopped = await stop(engine.value, needs.value, signal);
    if (!stopped.ok) return stopped;
    // It stays while another service is in it, running or not.
    const others = await engine.value.containers({ [label.environment]: this.place.environment }, signal);
    if (others.ok && others.value.length === 0) await engine.value.act(['network', 'rm', networkOf(this.place.environment)], signal);
    return ok(undefined);
  }

  async observe(live: KeptRelease | undefined, signal: AbortSignal): Promise<Result<readonly Observed[]>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const { environment, service } = this.place;
    const all = await engine.value.containers({ [label.environment]: environment }, signal);
    if (!all.ok) return all;
    const observed = observedIn(all.value, (container) => urlOf(container, engineHost(process.env)));
    const own = observed.find((one) => one.service === service);
    if (!own && live) return ok([...observed, { service, state: 'unhealthy', reason: 'its container is gone', release: live.release }]);
    if (own?.state !== 'healthy') return ok(observed);
    // The container is well; whether the service answers is asked as when it was deployed.
    const recipe = own.release && this.recipes.read(own.release.id);
    const { health, folder, env } = recipe ?? { health: undefined, folder: this.place.folder, env: {} };
    const why = await answers({ ...(health && { health }), url: own.url ?? '', folder, env });
    return ok(why === undefined ? observed : observed.map((one) => (one === own ? { ...own, state: 'unhealthy', reason: why } : one)));
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const engine = await this.open(signal);
    if (!engine.ok) return;
    const filters = [
      `label=${label.environment}=${this.place.environment}`,
      'type=container',
      ...tellingEvents.map((event) => `event=${event}`),
    ];
    const args = ['events', '--format', '{{.Type}}', ...filters.flatMap((filter) => ['--filter', filter])];
    await engine.value.follow(args, signal, changed);
  }

  async logs(_live: KeptRelease, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    return engine.ok ? writeLogs(engine.value, this.place, options, write, signal) : engine;
  }

  async stop(_live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const own = await this.containers(engine.value, signal);
    if (!own.ok) return own;
    const needs = await needsOf(engine.value, this.place, signal);
    if (!needs.ok) return needs;
    const stopped = await stop(engine.value, own.value, signal);
    return stopped.ok ? stop(engine.value, needs.value, signal) : stopped;
  }

  async start(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const engine = await this.open(signal);
    if (!engine.ok) return engine;
    const needs = await needsOf(engine.value, this.place, signal);
    if (!needs.ok) return needs;
    const down = needs.value.filter(({ status }) => status !== 'running').map(({ id }) => id);
    const started = down.length === 0 ? ok(undefined) : await engine.value.act(['start', ...down], signal);
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
    // The same image may be what another environment goes back to.
    const home = path.resolve(this.place.folder, '..', '..', '..');
    const elsewhere = environmentNames(home).flatMap((name) => new ServiceRecords(home, name).kept());
    const others = elsewhere.filter(({ release }) => !releases.some((gone) => gone.release.id === release.id));
    await forgetImages(
      engine.value,
      releases.map(({ image }) => image),
      [...kept, ...others],
      signal,
    );
  }

  /** The release is up: what brings it back is written down, and its image keeps a name that means it for ever. */
  private async keep(engine: Engine, recipe: Recipe, { url, image }: Up): Promise<Result<PlatformDeployed>> {
    const { services } = recipe.override;
    const named = services[recipe.target]?.image;
    const name = named ?? pinnedImage(this.place.service, image);
    const pinned = named === undefined ? await pin(engine, name, image, new AbortController().signal) : ok(undefined);
    if (!pinned.ok) return pinned;
    const override = { ...recipe.override, services: { ...services, [recipe.target]: { ...services[recipe.target], image: name } } };
    this.recipes.keep({ ...recipe, override, image });
    return ok({ url, image });
  }

  /** After a deployment that failed or was aborted. What it was given up for does not end this. */
  private async giveBack(
    engine: Engine,
    failed: Recipe,
    current: KeptRelease | undefined,
    given: Readonly<Record<string, string>>,
    log: Say,
  ): Promise<Result<void>> {
    const signal = new AbortController().signal;
    const own = await this.containers(engine, signal);
    if (!own.ok) return own;
    const made = own.value.filter((container) => isOf(container, failed.release.id));
    const left = own.value.filter((container) => !made.includes(container));
    if (!current) {
      // What somebody else delivered may have been stopped for it.
      const removed = await remove(engine, made, signal);
      return removed.ok && left.length > 0 ? engine.act(['start', ...left.map(({ id }) => id)], signal) : removed;
    }
    const isLive = left.some((container) => isOf(container, current.release.id) && container.status === 'running');
    if (isLive) return remove(engine, made, signal);
    log(`bringing ${current.release.commit.slice(0, 8)} back`);
    const { release } = current;
    const secrets = { ...given, ...secretsOf(current, process.env) };
    const back = await bringBack(engine, this.place, { release, recipe: this.recipes.read(release.id), secrets }, log, signal);
    return back.ok ? ok(undefined) : back;
  }

  private get memory(): string {
    return path.join(this.place.folder, 'resolved.json');
  }

  /** The containers of this service, whichever release they are of. */
  private async containers(engine: Engine, signal: AbortSignal): Promise<Result<Container[]>> {
    return engine.containers({ [label.environment]: this.place.environment, [label.service]: this.place.service }, signal);
  }

  private async open(signal: AbortSignal): Promise<Result<Engine>> {
    const programs = await this.programs.find(signal);
    return programs.ok ? ok(new Engine(programs.value)) : programs;
  }
}
