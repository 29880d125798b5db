import { httpAddress } from '../../http/http-address';
import type { HttpClient } from '../../http/http-client';
import type { Tokens } from '../../model/tokens';
import { ok, type LogEnd, type CiClient, type CiFailure, type Started, type CiResult } from '../ci-client';
import { BuildLogs } from './build-logs';
import { check, refParameter } from './checks';
import { JenkinsApi, unclear } from './jenkins-api';
import { itemOf } from './queue';
import { Runs } from './runs';
import { Stages } from './stages';
import { failingTests } from './test-report';

export interface JenkinsSettings {
  /** `https://ci.example.com`, or with a prefix. */
  readonly server: string;
  /** A Pipeline job whose script comes from SCM and whose branch specifier is the string parameter `DELIVERY_REF`: `folder/shop`. */
  readonly job: string;
  /** The steps of the pipeline: other stages are no jobs of it, unless they fail. */
  readonly steps: readonly string[];
}

/** Jenkins, by its remote API and the plugin Pipeline: Stage View. */
export function openJenkinsClient({ server: address, job: place, steps }: JenkinsSettings, client: HttpClient, tokens: Tokens): CiClient {
  const server = new JenkinsApi(address, place, client, tokens);
  const stages = new Stages(server, steps);
  const logs = new BuildLogs(server);
  const runs = new Runs(server, stages, logs);

  const numberOf = async (run: string, signal: AbortSignal): Promise<CiResult<number>> => {
    const place = await runs.find(run, signal);
    if (place.state === 'failed') return place;
    return place.value.state === 'build' ? ok(place.value.number) : unclear('it is no build yet: it waits in the queue of Jenkins');
  };

  const start = async (branch: string, commit: string, signal: AbortSignal): Promise<CiResult<Started>> => {
    const parameters = new URLSearchParams({ [refParameter]: `refs/heads/${branch}` });
    const answer = await server.press(`${server.jobPath}/buildWithParameters?${parameters.toString()}`, signal);
    if (answer.state === 'failed') return refused(answer, place);
    const item = itemAt(answer.headers['location']);
    if (item === undefined)
      return unclear(`Jenkins does not say what it started (${answer.status})`, 'look at the page of the job: it may run all the same');
    const id = `queue:${item}`;
    runs.remember(id, { branch, commit, at: new Date().toISOString() });
    return ok({ id, attempt: 1 });
  };

  return {
    name: 'jenkins',
    label: 'Jenkins',
    host: server.asking.api.origin ?? address,
    place,
    logs: 'live',
    reruns: 'everything',
    get allowance() {
      return server.asking.allowance;
    },
    check: async (signal) => check(server, signal),
    start: async ({ branch, commit }, signal) => start(branch, commit, signal),
    read: async (run, signal) => runs.read(run, signal),
    list: async (_service, signal) => runs.list(signal),
    readLog: async (run, job, from, write, signal): Promise<CiResult<LogEnd>> => {
      const number = await numberOf(run.id, signal);
      if (number.state === 'failed') return number;
      return logs.of(number.value).read(run.jobs, job, from, write, signal);
    },
    // What is Jenkins's own is told apart by its marks already, when it is read: what is left was printed by a step.
    plain: () => ({ push: (bytes) => bytes, flush: () => Buffer.alloc(0) }),
    problems: async (run, { name }, signal) => {
      const number = await numberOf(run.id, signal);
      return number.state === 'failed' ? number : failingTests(server, number.value, name, signal);
    },
    cancel: async (run, signal) => cancel(server, runs, run, signal),
    rerun: async ({ branch, commit }, signal) =>
      branch === '' ? unclear('Jenkins does not say which branch that build was of') : start(branch, commit, signal),
    approve: async (run, message, signal) => {
      const number = await numberOf(run.id, signal);
      return number.state === 'failed' ? number : approve(server, stages, number.value, message, signal);
    },
    deployments: async () => Promise.resolve(ok([])),
    close: () => logs.close(),
  };
}

/** Of an address of an item of the queue. */
function itemAt(location: string | undefined): number | undefined {
  const item = /\/queue\/item\/(\d{1,12})\/?$/.exec(location ?? '')?.[1];
  return item === undefined ? undefined : Number(item);
}

function refused(failure: CiFailure, job: string): CiFailure {
  if (failure.status === 400)
    return {
      ...failure,
      message: `Jenkins does not take ${refParameter} for ${job} (400)`,
      hint: `add it as a string parameter of the job`,
    };
  if (failure.status === 404) return { ...failure, message: `Jenkins has no job ${job} that this token may see (404)` };
  return failure.status === 409 ? { ...failure, message: `the job ${job} takes no builds now (409): it may be disabled` } : failure;
}

/** What waits is taken out of the queue. It may have become a build meanwhile, which is then ended. */
async function cancel(server: JenkinsApi, runs: Runs, run: string, signal: AbortSignal): Promise<CiResult<void>> {
  const item = itemOf(run);
  let place = await runs.find(run, signal);
  if (place.state === 'ok' && place.value.state === 'waiting' && item !== undefined) {
    const answer = await server.press(`/queue/cancelItem?id=${item}`, signal);
    // It answered 404 for long where all went well (JENKINS-21311): what became of it is asked.
    if (answer.state === 'failed' && !answer.gone) return answer;
    place = await runs.find(run, signal);
  }
  if (place.state === 'failed') return place;
  if (place.value.state === 'waiting') return unclear('Jenkins still has it in its queue');
  if (place.value.state === 'cancelled') return ok(undefined);
  const answer = await server.press(`${server.jobPath}/${place.value.number}/stop`, signal);
  return answer.state === 'failed' ? answer : ok(undefined);
}

async function approve(server: JenkinsApi, stages: Stages, number: number, message: string, signal: AbortSignal): Promise<CiResult<void>> {
  const inputs = await stages.pendingInputs(number, signal);
  if (inputs.state === 'failed') return inputs;
  const [input, second] = inputs.value.filter((one) => one.message === message);
  const page = `${server.buildUrl(number)}input/`;
  if (!input) return unclear(`build ${number} does not wait for “${message}” any more`);
  if (second) return unclear(`build ${number} waits for “${message}” more than once`, `answer it on its page: ${page}`);
  if (input.proceed === undefined) return unclear(`“${message}” asks for values`, `answer it on its page: ${page}`);
  const proceed = httpAddress(input.proceed, new URL(server.base));
  if (typeof proceed === 'string' || proceed.origin !== server.asking.api.origin)
    return unclear(`Jenkins names another place to answer “${message}” than its own`);
  // Read as a form of a page would send it (stapler, `getSubmittedForm`): one without values.
  proceed.searchParams.set('json', '{"parameter":[]}');
  const answer = await server.press(proceed.href, signal);
  return answer.state === 'failed' ? answer : ok(undefined);
}
