import { listOf, numberOf, recordOf, textOf } from '../../support/json-value';
import { ok, type CiFailure, type CiResult } from '../ci-client';
import { unclear, type JenkinsApi } from './jenkins-api';
import { sentence } from './format';

/** Builds that are looked through for one whose item is not kept any more. */
const mostBuilds = 200;
const mostRemembered = 500;

/** What a run is by now: a build with a number, or something that waits to be one. */
export type Place =
  | { readonly state: 'build'; readonly number: number }
  | { readonly state: 'waiting'; readonly why: string | undefined; readonly since: number | undefined; readonly actions: unknown }
  | { readonly state: 'cancelled'; readonly since: number | undefined; readonly actions: unknown };

/** Knows which build an item of the queue became: Jenkins tells it for about five minutes, and its builds name their item for good. */
export class Queue {
  private readonly numbers = new Map<number, number>();

  constructor(private readonly server: JenkinsApi) {}

  /** `id`: `queue:N` or `build:N`. */
  async find(id: string, signal: AbortSignal): Promise<CiResult<Place>> {
    const item = itemOf(id);
    if (item === undefined) {
      const number = /^build:(\d{1,12})$/.exec(id)?.[1];
      return number === undefined
        ? { ...unclear(`“${sentence(id)}” is no run of Jenkins`), gone: true }
        : ok({ state: 'build', number: Number(number) });
    }
    const number = this.numbers.get(item);
    if (number !== undefined) return ok({ state: 'build', number });
    const tree = 'id,why,cancelled,inQueueSince,executable[number],actions[parameters[name,value],causes[userName,shortDescription]]';
    const answer = await this.server.record(`/queue/item/${item}/api/json?tree=${tree}`, signal);
    if (answer.state === 'failed') return answer.gone ? this.findBuild(item, answer, signal) : answer;
    const { value } = answer;
    if (numberOf(value['id']) !== item) return unclear(`Jenkins answered something else for the item ${item} of its queue`);
    const since = numberOf(value['inQueueSince']);
    const { actions } = value;
    const became = numberOf(recordOf(value['executable'])?.['number']);
    if (became !== undefined) return ok(this.became(item, became));
    if (value['cancelled'] === true) return ok({ state: 'cancelled', since, actions });
    const why = textOf(value['why']);
    return ok({ state: 'waiting', why: why === undefined ? undefined : sentence(why), since, actions });
  }

  private async findBuild(item: number, gone: CiFailure, signal: AbortSignal): Promise<CiResult<Place>> {
    const answer = await this.server.record(`${this.server.jobPath}/api/json?tree=builds[number,queueId]{0,${mostBuilds}}`, signal);
    if (answer.state === 'failed') return answer;
    const build = listOf(answer.value['builds'])
      .map(recordOf)
      .find((one) => numberOf(one?.['queueId']) === item);
    const number = numberOf(build?.['number']);
    if (number !== undefined) return ok(this.became(item, number));
    return { ...gone, message: `Jenkins knows neither the item ${item} of its queue any more nor a build that came from it` };
  }

  private became(item: number, number: number): Place {
    this.numbers.set(item, number);
    for (const oldest of this.numbers.keys()) {
      if (this.numbers.size <= mostRemembered) break;
      this.numbers.delete(oldest);
    }
    return { state: 'build', number };
  }
}

export function itemOf(id: string): number | undefined {
  const item = /^queue:(\d{1,12})$/.exec(id)?.[1];
  return item === undefined ? undefined : Number(item);
}
