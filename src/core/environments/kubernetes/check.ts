import { fail, ok, type Result } from '../../model/result';
import { jsonDocuments } from '../../support/json-value';
import type { Kubectl } from './kubectl';
import type { ObjectList } from './objects';

interface Config {
  readonly contexts?: readonly { readonly name: string; readonly context?: { readonly namespace?: string } }[] | null;
}

/** The namespace that a context stands for. Fails, with the contexts that there are, where there is none of this name. */
export async function namespaceOf(kubectl: Kubectl, signal: AbortSignal): Promise<Result<string>> {
  const config = await kubectl.run(['config', 'view', '--output=json'], { signal }, 'local');
  if (config.ended === 'missing' || config.exitCode !== 0) return kubectl.trouble(config);
  const { context } = kubectl.place;
  const contexts = (JSON.parse(config.stdout) as Config).contexts ?? [];
  const found = contexts.find(({ name }) => name === context);
  if (found) return ok(found.context?.namespace ?? 'default');
  const names = contexts.map(({ name }) => name).join(', ');
  return fail('usage', `kubectl knows no context ${context}`, {
    hint: names === '' ? 'it knows none: set KUBECONFIG, or put a configuration in ~/.kube/config' : `it knows ${names}`,
  });
}

interface Review {
  readonly spec: { readonly resourceAttributes: Attributes };
  readonly status?: { readonly allowed?: boolean; readonly reason?: string };
}
interface Attributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
}

/** Whether all is allowed that a delivery does, in one question. `workload` is like `deployment/shop`. */
export async function mayDeliver(kubectl: Kubectl, workload: string, signal: AbortSignal): Promise<Result<void>> {
  const { context, namespace = '' } = kubectl.place;
  const resource = `${workload.split('/')[0] ?? ''}s`;
  const history = resource === 'deployments' ? 'replicasets' : 'controllerrevisions';
  const needed: [string, string, string[]][] = [
    ['apps', resource, ['get', 'list', 'watch', 'create', 'patch']],
    ['apps', history, ['list']],
    ['', 'pods', ['list']],
    ['', 'events', ['watch']],
  ];
  const reviews = needed.flatMap(([group, what, verbs]) =>
    verbs.map((verb) => ({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb, group, resource: what, namespace } },
    })),
  );
  // As `kubectl auth can-i` asks, all at once. Nothing is created by it.
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: reviews });
  const answer = await kubectl.text(['create', '--validate=false', '--filename=-', '--output=json'], { signal, input });
  if (!answer.ok) return answer;
  const told = jsonDocuments<Review & ObjectList<Review>>(answer.value);
  const refused = told.flatMap((one): readonly Review[] => one.items ?? [one]).filter(({ status }) => status?.allowed !== true);
  const [first] = refused;
  if (!first) return ok(undefined);
  const attributes = first.spec.resourceAttributes;
  const what = refused.map(({ spec: { resourceAttributes: one } }) => `${one.verb} ${one.resource}`).join(', ');
  return fail('usage', `you may not ${what} in the namespace ${namespace} of ${context}`, {
    hint: `ask for a role that may; to see it: kubectl auth can-i ${attributes.verb} ${attributes.resource} --context=${context} --namespace=${namespace}`,
  });
}

/** Whether the namespace is there. Who may not read namespaces is told by the first thing that is missing in it. */
export async function hasNamespace(kubectl: Kubectl, signal: AbortSignal): Promise<Result<void>> {
  const { context, namespace = '' } = kubectl.place;
  const found = await kubectl.text(['get', `namespaces/${namespace}`, '--output=name'], { signal });
  if (found.ok || found.trouble === 'forbidden') return ok(undefined);
  if (found.trouble !== 'not-found') return found;
  return fail('usage', `${context} has no namespace ${namespace}`, {
    hint: `make it: kubectl --context=${context} create namespace ${namespace}; or name the right one in \`namespace\``,
  });
}
