import type { Kubectl } from './kubectl';
import type { KubernetesObject } from './objects';

interface Ingress extends KubernetesObject {
  readonly spec?: { readonly rules?: readonly { readonly host?: string }[]; readonly tls?: readonly unknown[] };
}
interface Service extends KubernetesObject {
  readonly spec?: { readonly type?: string; readonly ports?: readonly { readonly port?: number }[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] } };
}

/** The address that manifests promise: the first host of an Ingress. Empty where they name none. */
export function promisedAddress(objects: readonly KubernetesObject[]): string {
  for (const { spec } of objects.filter(({ kind }) => kind === 'Ingress') as Ingress[]) {
    const host = spec?.rules?.find((rule) => rule.host !== undefined && !rule.host.includes('*'))?.host;
    if (host !== undefined) return `${spec?.tls?.length ? 'https' : 'http'}://${host}`;
  }
  return '';
}

/** The address that the cluster gave to a Service of the type LoadBalancer. Empty while it has given none. */
export async function givenAddress(kubectl: Kubectl, objects: readonly KubernetesObject[], signal: AbortSignal): Promise<string> {
  const named = (objects as Service[]).find(({ kind, spec }) => kind === 'Service' && spec?.type === 'LoadBalancer');
  if (!named) return '';
  const service = await kubectl.json<Service>(['get', `services/${named.metadata.name}`], { signal });
  if (!service.ok) return '';
  const { ip, hostname } = service.value.status?.loadBalancer?.ingress?.[0] ?? {};
  const host = hostname ?? (ip?.includes(':') ? `[${ip}]` : ip);
  const port = service.value.spec?.ports?.[0]?.port ?? 80;
  return host === undefined ? '' : port === 443 ? `https://${host}` : `http://${host}${port === 80 ? '' : `:${port}`}`;
}
