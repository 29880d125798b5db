import { listOf, recordOf, textOf } from '../../support/json-value';
import { ok, type CiResult } from '../ci-client';
import { unclear, type JenkinsApi } from './jenkins-api';
import { sentence } from './format';

/** The parameter that names what is delivered. */
export const refParameter = 'DELIVERY_REF';

/** Who asks, where the job is one that can deliver. */
export async function check(server: JenkinsApi, signal: AbortSignal): Promise<CiResult<string>> {
  const me = await server.record('/me/api/json?tree=id,fullName', signal);
  if (me.state === 'failed') return me;
  const [id, name] = [textOf(me.value['id']), textOf(me.value['fullName'])];
  if (id === undefined) return unclear('Jenkins does not say who asks');
  if (id === 'anonymous')
    return {
      state: 'failed',
      reason: 'token',
      message: 'Jenkins takes who asks for anonymous',
      hint: 'the token is written user:apitoken; one is made on the page of the user, under Security',
    };
  const job = await server.record(`${server.jobPath}/api/json?tree=name,buildable,property[parameterDefinitions[name,type]]`, signal);
  if (job.state === 'failed')
    return job.gone
      ? {
          ...job,
          message: `Jenkins has no job ${server.job}, or ${id} may not see it`,
          hint: `make a Pipeline job ${server.job}, or name another`,
        }
      : job;
  const { _class: kind, buildable, property } = job.value;
  if (typeof kind === 'string' && !kind.endsWith('.WorkflowJob'))
    return unclear(`${server.job} is no Pipeline job of Jenkins (${sentence(kind)})`, 'make it a Pipeline job with its script from SCM');
  if (buildable === false) return unclear(`the job ${server.job} is disabled`, 'enable it on its page');
  const parameters = listOf(property).flatMap((one) => listOf(recordOf(one)?.['parameterDefinitions']).map(recordOf));
  const parameter = parameters.find((one) => one?.['name'] === refParameter);
  if (!parameter)
    return unclear(
      `the job ${server.job} has no parameter ${refParameter}`,
      `add a string parameter ${refParameter} to it, and name it as the branch specifier of its SCM: \${${refParameter}}`,
    );
  const type = textOf(parameter['type']);
  if (type !== undefined && type !== 'StringParameterDefinition')
    return unclear(`the parameter ${refParameter} of ${server.job} is none of text (${sentence(type)})`, 'make it a string parameter');
  return ok(sentence(name ?? id));
}
