import * as http from 'node:http';
import * as https from 'node:https';
import { fail, ok, type Result } from '../../model/result';
import { pause } from '../../support/pause';
import type { WriteLine } from '../environment';
import type { Kubectl } from './kubectl';
import type { KubernetesObject } from './objects';

interface Ingress extends KubernetesObject {
  readonly spec?: { readonly rules?: readonly { readonly host?: string }[]; readonly tls?: readonly unknown[] };
}
interface Service extends KubernetesObject {
  readonly spec?: { readonly type?: string; readonly ports?: readonly { readonly port?: number }[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] } };
}

/** Returns the first host of an Ingress in the manifests, or an empty string. */
export function declaredAddress(objects: readonly KubernetesObject[]): string {
  for (const { spec } of objects.filter(({ kind }) => kind === 'Ingress') as Ingress[]) {
    const host = spec?.rules?.find((rule) => rule.host !== undefined && !rule.host.includes('*'))?.host;
    if (host !== undefined) return `${spec?.tls?.length ? 'https' : 'http'}://${host}`;
  }
  return '';
}

/**
 * Returns the address that the cluster assigned to a Service of the type LoadBalancer, or an empty string. Waits for it up to a time
 * limit.
 */
export async function assignedAddress(
  kubectl: Kubectl,
  objects: readonly KubernetesObject[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  const named = (objects as Service[]).find(({ kind, spec }) => kind === 'Service' && spec?.type === 'LoadBalancer');
  if (!named) return '';
  const at = kubectl.in(named.metadata.namespace ?? kubectl.place.namespace ?? 'default');
  for (const until = Date.now() + timeoutMs; ; await pause(pollIntervalMs, signal)) {
    const service = await at.json<Service>(['get', `services/${named.metadata.name}`], { signal });
    const { ip, hostname } = (service.ok && service.value.status?.loadBalancer?.ingress?.[0]) || {};
    const host = hostname ?? (ip?.includes(':') ? `[${ip}]` : ip);
    const port = (service.ok && service.value.spec?.ports?.[0]?.port) || 80;
    if (host !== undefined) return port === 443 ? `https://${host}` : `http://${host}${port === 80 ? '' : `:${port}`}`;
    if (signal.aborted || Date.now() >= until) return '';
  }
}

const pollIntervalMs = 250;
const requestTimeoutMs = 5_000;
/** The limit without a health check. The address may be reachable from other machines only. */
const unaskedMs = 15_000;
/** The time within which the nodes of a cluster learn that the pods of the old release are gone. */
const settleMs = 1_000;

/**
 * Waits until the release answers at its address: the nodes and load balancers of a cluster learn of new pods later than the cluster
 * itself. Without a health check, a failure is only logged.
 */
export async function waitForAddress(
  url: string,
  health: AddressHealth | undefined,
  { isUpdate, log, signal }: { readonly isUpdate: boolean; readonly log: WriteLine; readonly signal: AbortSignal },
): Promise<Result<void>> {
  if (url === '') {
    if (!health) return ok(undefined);
    return fail('delivery', '`health` needs an address, and the cluster has assigned none', {
      hint: 'set `url` to the address of the service',
    });
  }
  const asked = health ? new URL(health.path, url).href : url;
  const began = Date.now();
  const limitMs = health?.timeoutMs ?? unaskedMs;
  for (let goodSince: number | undefined; ; await pause(pollIntervalMs, signal)) {
    if (signal.aborted) return fail('cancelled', 'cancelled');
    const answer = await ask(asked, signal);
    const problem = health ? healthProblem(answer) : gatewayProblem(answer);
    if (problem === undefined) {
      goodSince ??= Date.now();
      if (!isUpdate || Date.now() - goodSince >= settleMs) return ok(undefined);
      continue;
    }
    goodSince = undefined;
    const isUnknownHere = !health && answer.code !== undefined && /^(ENOTFOUND|EAI_AGAIN)$/.test(answer.code);
    if (!isUnknownHere && Date.now() - began < limitMs) continue;
    const message = `GET ${asked} ${problem}`;
    if (health) return fail('delivery', `the release does not answer at its address: ${message} (after ${limitMs / 1000} s)`);
    log(`${message} from this machine: whether customers reach the release is not known`);
    return ok(undefined);
  }
}

/** The path to ask for at the address of the service. */
export interface AddressHealth {
  readonly path: string;
  readonly timeoutMs: number;
}

interface Answer {
  readonly status?: number;
  readonly error?: string;
  readonly code?: string | undefined;
}

function healthProblem({ status, error }: Answer): string | undefined {
  if (status === undefined) return `failed: ${error ?? ''}`;
  return status >= 200 && status < 400 ? undefined : `answered ${status}`;
}

/** Any answer of the service itself will do. A gateway without a service behind it answers with these. */
function gatewayProblem({ status, error, code }: Answer): string | undefined {
  if (status === undefined) return code !== undefined && /CERT|SELF_SIGNED|ALTNAME/.test(code) ? undefined : `failed: ${error ?? ''}`;
  return [502, 503, 504].includes(status) ? `answered ${status}` : undefined;
}

/** Sends a request over a connection of its own: an old one leads to the same pod. */
async function ask(url: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    const request = (url.startsWith('https:') ? https : http).get(url, { agent: false, timeout: requestTimeoutMs, signal }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0 });
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${requestTimeoutMs / 1000} s`)));
    request.once('error', (error: NodeJS.ErrnoException) => resolve({ error: error.message, code: error.code }));
  });
}
