import { environmentTokens } from '../core/pipeline/environment-tokens';
import type { Measured, Share } from '../core/metrics/metrics';
import { serviceMetrics, type MetricsSource, type ServiceMetrics } from '../core/metrics/service-metrics';
import { openService } from './context';
import type { Terminal } from './terminal';
import { counted, duration } from '../core/support/format';

export interface MetricsOptions {
  readonly service?: string;
  readonly json?: true;
  readonly days: number;
}

/** `deliver metrics`: shows the delivery metrics of the service in its production environment. */
export async function metrics(options: MetricsOptions, terminal: Terminal): Promise<number> {
  const opened = await openService(options.service);
  if (!opened.ok) return terminal.fail(opened.failure);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  const measured = await serviceMetrics({
    ...{ ...opened.value, days: options.days },
    ...{ tokens: environmentTokens(process.env), now: Date.now(), signal: stop.signal },
  });
  process.removeListener('SIGINT', onSignal);
  if (stop.signal.aborted) return terminal.fail({ kind: 'cancelled', message: 'cancelled' });
  if (!measured.ok) return terminal.fail(measured.failure);
  if (options.json) terminal.json(asJson(measured.value));
  else for (const line of textOf(measured.value, terminal)) terminal.print(line);
  return 0;
}

/** Returns the metrics as JSON. A missing figure is `null`, and `absent` has the reason. */
function asJson(all: ServiceMetrics): object {
  const { deploymentFrequency, leadTime, changeFailRate, recoveryTime, reworkRate, ...about } = all;
  const figures: Readonly<Record<string, Measured<unknown>>> = { deploymentFrequency, leadTime, changeFailRate, recoveryTime, reworkRate };
  const json: Record<string, unknown> = { ...about };
  const absent: Record<string, string> = {};
  for (const [name, one] of Object.entries(figures)) {
    json[name] = 'value' in one ? one.value : null;
    if ('absent' in one) absent[name] = one.absent;
  }
  return { ...json, absent };
}

function textOf(all: ServiceMetrics, terminal: Terminal): string[] {
  const { service, environment, since, until } = all;
  const read = all.sources.filter(({ missing }) => missing === undefined);
  const dim = (text: string): string => terminal.paint('dim', text);
  const line = <T>(name: string, measured: Measured<T>, words: (value: T) => readonly [figure: string, how: string]): string => {
    const [figure, how] = 'value' in measured ? words(measured.value) : ['–', measured.absent];
    return `  ${name.padEnd(31)}  ${figure.padEnd(14)}  ${dim(how)}`.trimEnd();
  };
  const share = ({ rate, count, of }: Share, what: string): readonly [string, string] => [
    percent(rate),
    `${count} of ${of} deployments ${what}`,
  ];
  return [
    `${terminal.paint('bold', `${service} in ${environment}`)}${dim(`, ${since.slice(0, 10)} to ${until.slice(0, 10)}`)}${all.isOfThisMachineAlone ? ', from this machine only' : ''}`,
    line('deployment frequency', all.deploymentFrequency, ({ deployments, days, perWeek }) => [
      perWeek === undefined ? String(deployments) : `${perWeek} a week`,
      `${counted(deployments, 'deployment')} in ${days === 1 ? '1 day' : `${days} days`}`,
    ]),
    line('change lead time', all.leadTime, ({ medianMs, p90Ms, changes }) => [
      duration(medianMs),
      `median of ${changes} changes, from commit to live${p90Ms === undefined ? '' : `, 90 % within ${duration(p90Ms)}`}`,
    ]),
    line('change fail rate', all.changeFailRate, (value) => share(value, 'were rolled back or failed')),
    line('failed deployment recovery time', all.recoveryTime, ({ medianMs, failures }) => [
      duration(medianMs),
      `median of ${failures} failed deployments, from live until rolled back or repaired`,
    ]),
    line('deployment rework rate', all.reworkRate, (value) => share(value, 'repaired a failed deployment')),
    '',
    dim(`  from ${read.map(sourceWords).join(' and ')}`),
    ...all.notes.map((note) => terminal.paint('yellow', `  ${note}`)),
  ];
}

function percent(rate: number): string {
  return rate > 0 && rate < 0.005 ? '< 1 %' : `${Math.round(rate * 100)} %`;
}

function sourceWords({ source, place, deployments }: MetricsSource): string {
  return `${source === 'journals' ? 'the journals of this machine' : `the deployments recorded by ${place ?? source}`} (${deployments})`;
}
