import { httpAddress } from '../../http/http-address';
import type { HttpClient } from '../../http/http-client';
import type { Tokens } from '../../model/tokens';
import { ok, type LogEnd, type CiClient, type CiFailure, type Started, type CiResult } from '../ci-client';
import { BuildLogs } from './build-log';
import { refParameter, JenkinsApi, unexpected, sentence } from './jenkins-api';
import { itemOf, Runs } from './runs';
import { Stages, failingTests } from './stages';
import { listOf, recordOf, textOf } from '../../support/json-value';

export interface JenkinsSettings {
  /** The server address, which may have a path: `https://ci.example.com/jenkins`. */
  readonly server: string;
  /**
   * The path of a Pipeline job such as `folder/shop`. Its script comes from SCM and its branch specifier is the string parameter
   * `DELIVERY_REF`.
   */
  readonly job: string;
  /** The steps of the pipeline. Other stages are shown only if they fail. */
  readonly steps: readonly string[];
}

/** Opens a client for Jenkins' remote API and the plugin Pipeline: Stage View. */
export function openJenkinsClient({ server: address, job: place, steps }: JenkinsSettings, client: HttpClient, tokens: Tokens): CiClient {
  const server = new JenkinsApi(address, place, client, tokens);
  const stages = new Stages(server, steps);
  const logs = new BuildLogs(server);
  const runs = new Runs(server, stages, logs);

  const numberOf = async (run: string, signal: AbortSignal): Promise<CiResult<number>> => {
    const place = await runs.find(run, signal);
    if (place.state === 'failed') return place;
    return place.value.state === 'build' ? ok(place.value.number) : unexpected('the run is still in the queue of Jenkins');
  };

  const start = async (branch: string, commit: string, signal: AbortSignal): Promise<CiResult<Started>> => {
    const parameters = new URLSearchParams({ [refParameter]: `refs/heads/${branch}` });
    const answer = await server.submitForm(`${server.jobPath}/buildWithParameters?${parameters.toString()}`, signal);
    if (answer.state === 'failed') return refused(answer, place);
    const item = itemAt(answer.headers['location']);
    if (item === undefined)
      return unexpected(
        `Jenkins does not report which build it started (${answer.status})`,
        'check the page of the job: the build may be running',
      );
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
      return logs.get(number.value).read(run.jobs, job, from, write, signal);
    },
    // Jenkins' own lines are removed while reading: the rest was printed by a step.
    plain: () => ({ push: (bytes) => bytes, flush: () => Buffer.alloc(0) }),
    problems: async (run, { name }, signal) => {
      const number = await numberOf(run.id, signal);
      return number.state === 'failed' ? number : failingTests(server, number.value, name, signal);
    },
    cancel: async (run, signal) => cancel(server, runs, run, signal),
    rerun: async ({ branch, commit }, signal) =>
      branch === '' ? unexpected('Jenkins does not report the branch of the build') : start(branch, commit, signal),
    approve: async (run, message, signal) => {
      const number = await numberOf(run.id, signal);
      return number.state === 'failed' ? number : approve(server, stages, number.value, message, signal);
    },
    deployments: async () => Promise.resolve(ok([])),
    close: () => logs.close(),
  };
}

/** Returns the number in the address of a queue item. */
function itemAt(location: string | undefined): number | undefined {
  const item = /\/queue\/item\/(\d{1,12})\/?$/.exec(location ?? '')?.[1];
  return item === undefined ? undefined : Number(item);
}

function refused(failure: CiFailure, job: string): CiFailure {
  if (failure.status === 400)
    return {
      ...failure,
      message: `Jenkins rejects the parameter ${refParameter} of ${job} (400)`,
      hint: `add ${refParameter} as a string parameter of the job`,
    };
  if (failure.status === 404) return { ...failure, message: `Jenkins has no job ${job} that this token may see (404)` };
  return failure.status === 409 ? { ...failure, message: `the job ${job} does not accept builds (409): it may be disabled` } : failure;
}

/** Removes a run from the queue. Stops the build if the run has become one. */
async function cancel(server: JenkinsApi, runs: Runs, run: string, signal: AbortSignal): Promise<CiResult<void>> {
  const item = itemOf(run);
  let place = await runs.find(run, signal);
  if (place.state === 'ok' && place.value.state === 'waiting' && item !== undefined) {
    const answer = await server.submitForm(`/queue/cancelItem?id=${item}`, signal);
    // Older versions answer 404 on success (JENKINS-21311), so the state is read again.
    if (answer.state === 'failed' && !answer.gone) return answer;
    place = await runs.find(run, signal);
  }
  if (place.state === 'failed') return place;
  if (place.value.state === 'waiting') return unexpected('the run is still in the queue of Jenkins');
  if (place.value.state === 'cancelled') return ok(undefined);
  const answer = await server.submitForm(`${server.jobPath}/${place.value.number}/stop`, signal);
  return answer.state === 'failed' ? answer : ok(undefined);
}

async function approve(server: JenkinsApi, stages: Stages, number: number, message: string, signal: AbortSignal): Promise<CiResult<void>> {
  const inputs = await stages.pendingInputs(number, signal);
  if (inputs.state === 'failed') return inputs;
  const [input, second] = inputs.value.filter((one) => one.message === message);
  const page = `${server.buildUrl(number)}input/`;
  if (!input) return unexpected(`build ${number} no longer waits for “${message}”`);
  if (second) return unexpected(`build ${number} waits for “${message}” more than once`, `answer it on its page: ${page}`);
  if (input.proceed === undefined) return unexpected(`“${message}” requires values`, `answer it on its page: ${page}`);
  const proceed = httpAddress(input.proceed, new URL(server.base));
  if (typeof proceed === 'string' || proceed.origin !== server.asking.api.origin)
    return unexpected(`Jenkins reports an address on another host to answer “${message}”`);
  // Jenkins expects the fields of an HTML form (stapler, `getSubmittedForm`), here without values.
  proceed.searchParams.set('json', '{"parameter":[]}');
  const answer = await server.submitForm(proceed.href, signal);
  return answer.state === 'failed' ? answer : ok(undefined);
}

/** Returns the name of the token's user if the job can deliver. */
export async function check(server: JenkinsApi, signal: AbortSignal): Promise<CiResult<string>> {
  const me = await server.record('/me/api/json?tree=id,fullName', signal);
  if (me.state === 'failed') return me;
  const [id, name] = [textOf(me.value['id']), textOf(me.value['fullName'])];
  if (id === undefined) return unexpected('Jenkins does not name the user of the token');
  if (id === 'anonymous')
    return {
      state: 'failed',
      reason: 'token',
      message: 'Jenkins treats the token as anonymous',
      hint: 'enter the token as user:apitoken; create one on your user page in Jenkins, under Security',
    };
  const job = await server.record(`${server.jobPath}/api/json?tree=name,buildable,property[parameterDefinitions[name,type]]`, signal);
  if (job.state === 'failed')
    return job.gone
      ? {
          ...job,
          message: `Jenkins has no job ${server.job}, or ${id} may not see it`,
          hint: `create a Pipeline job ${server.job}, or name another`,
        }
      : job;
  const { _class: kind, buildable, property } = job.value;
  if (typeof kind === 'string' && !kind.endsWith('.WorkflowJob'))
    return unexpected(
      `${server.job} is not a Pipeline job of Jenkins (${sentence(kind)})`,
      'make it a Pipeline job with its script from SCM',
    );
  if (buildable === false) return unexpected(`the job ${server.job} is disabled`, 'enable it on its page');
  const parameters = listOf(property).flatMap((one) => listOf(recordOf(one)?.['parameterDefinitions']).map(recordOf));
  const parameter = parameters.find((one) => one?.['name'] === refParameter);
  if (!parameter)
    return unexpected(
      `the job ${server.job} has no parameter ${refParameter}`,
      `add a string parameter ${refParameter} and use it as the branch specifier of the SCM: \${${refParameter}}`,
    );
  const type = textOf(parameter['type']);
  if (type !== undefined && type !== 'StringParameterDefinition')
    return unexpected(`the parameter ${refParameter} of ${server.job} is not a string (${sentence(type)})`, 'make it a string parameter');
  return ok(sentence(name ?? id));
}
