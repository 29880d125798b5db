import { fail, ok, type Result } from '../../model/result';
import { jsonDocuments } from '../../support/json-value';
import type { Kubectl } from './kubectl';
import type { ObjectList } from './objects';

interface Config {
  readonly contexts?: readonly { readonly name: string; readonly context?: { readonly namespace?: string } }[] | null;
}

/** Returns the namespace of a context. Fails with the list of contexts if the context does not exist. */
export async function namespaceOf(kubectl: Kubectl, signal: AbortSignal): Promise<Result<string>> {
  const config = await kubectl.run(['config', 'view', '--output=json'], { signal }, 'local');
  if (config.ended === 'missing' || config.exitCode !== 0) return kubectl.failure(config);
  const { context } = kubectl.place;
  const contexts = (JSON.parse(config.stdout) as Config).contexts ?? [];
  const found = contexts.find(({ name }) => name === context);
  if (found) return ok(found.context?.namespace ?? 'default');
  const names = contexts.map(({ name }) => name).join(', ');
  return fail('usage', `kubectl has no context ${context}`, {
    hint: names === '' ? 'it has none: set KUBECONFIG, or create ~/.kube/config' : `available: ${names}`,
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

/** Checks all permissions that a delivery needs in one request. `workload` is like `deployment/shop`. */
export async function checkPermissions(kubectl: Kubectl, workload: string, signal: AbortSignal): Promise<Result<void>> {
  const { context, namespace = '' } = kubectl.place;
  const resource = `${workload.split('/')[0] ?? ''}s`;
  const needed: [string, string, string[]][] = [
    ['apps', resource, ['get', 'list', 'watch', 'create', 'patch']],
    ...(resource === 'deployments' ? [['apps', 'replicasets', ['list']] as [string, string, string[]]] : []),
    ['', 'pods', ['list']],
    ['', 'events', ['watch']],
    // A secret keeps the objects of each release.
    ['', 'secrets', ['list', 'create', 'patch']],
  ];
  const reviews = needed.flatMap(([group, what, verbs]) =>
    verbs.map((verb) => ({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb, group, resource: what, namespace } },
    })),
  );
  // Like `kubectl auth can-i`, all in one request. It creates nothing.
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: reviews });
  const answer = await kubectl.text(['create', '--validate=false', '--filename=-', '--output=json'], { signal, input });
  if (!answer.ok) return answer;
  const answers = jsonDocuments<Review & ObjectList<Review>>(answer.value);
  const refused = answers
    .flatMap((answered): readonly Review[] => answered.items ?? [answered])
    .filter(({ status }) => status?.allowed !== true);
  const [first] = refused;
  if (!first) return ok(undefined);
  const attributes = first.spec.resourceAttributes;
  const what = refused
    .map(
      ({
        spec: {
          resourceAttributes: { verb, resource: kind },
        },
      }) => `${verb} ${kind}`,
    )
    .join(', ');
  return fail('usage', `you may not ${what} in the namespace ${namespace} of ${context}`, {
    hint: `ask for a role that allows it; check it with: kubectl auth can-i ${attributes.verb} ${attributes.resource} --context=${context} --namespace=${namespace}`,
  });
}

/** Checks that the namespace exists. Without the permission to read namespaces, a later request reports it. */
export async function checkNamespace(kubectl: Kubectl, signal: AbortSignal): Promise<Result<void>> {
  const { context, namespace = '' } = kubectl.place;
  const found = await kubectl.text(['get', `namespaces/${namespace}`, '--output=name'], { signal });
  if (found.ok || found.reason === 'forbidden') return ok(undefined);
  if (found.reason !== 'not-found') return found;
  return fail('usage', `${context} has no namespace ${namespace}`, {
    hint: `create it: kubectl --context=${context} create namespace ${namespace}; or correct \`namespace\``,
  });
}
