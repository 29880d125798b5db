import type * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Duplex } from 'node:stream';
import { Controller } from './kubernetes-controller';
import { cert, key } from './test-certificate';
import { KubernetesStore, type Stored } from './kubernetes-store';

/**
 * A Kubernetes API server for tests, with the part that kubectl needs for Deliver: discovery (`/api`, `/apis` and the groups, in the
 * older form that all versions of kubectl read), `/version`, namespaces, the workloads and replica sets of `apps/v1`, pods with
 * their logs, events, services, config maps, ingresses; get, list with label and field selectors, create, watch (chunked JSON lines
 * since a resourceVersion), server-side apply with field managers and conflicts, merge, strategic (as a merge) and JSON patches, and
 * SelfSubjectAccessReviews. A controller advances rollouts (`kubernetes-controller.ts`). Left out: schemas and defaulting,
 * admission, deletion with finalizers, quotas by number, stateful and daemon sets' controllers, and authentication other than one
 * bearer token. Tests trigger faults with its fields and with the tags of images.
 */
export class KubernetesApi {
  readonly store = new KubernetesStore();
  readonly controller = new Controller(this.store);
  /** Requests as `METHOD path`, in order. */
  readonly requests: string[] = [];
  /** The required bearer token; absent: none is required. */
  token: string | undefined;
  /** The forbidden requests, as `verb resource`. */
  forbidden = new Set<string>();
  /** The objects that an admission policy refuses, with its reason, like `configmaps/shop`. */
  readonly refused = new Map<string, string>();
  /** The applied objects in order, like `configmaps/shop`. */
  readonly applied: string[] = [];
  /** Returns the log of a pod's containers. */
  podLog: (pod: string, previous: boolean) => string = () => 'listening\n';
  private server: http.Server | undefined;
  private readonly sockets = new Set<Duplex>();
  private port = 0;

  async start(): Promise<void> {
    const server = https.createServer(
      { key, cert },
      (request, response) => void this.serve(request, response).catch(() => response.destroy()),
    );
    // A connection during its TLS handshake is unknown to the HTTP server and would keep it from closing.
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  /** Closes the server. A later start uses the same address and keeps all objects. */
  async disconnect(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async stop(): Promise<void> {
    this.controller.stop();
    await this.disconnect();
  }

  get address(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /**
   * Writes a kubeconfig with the context `test` for this cluster and a context for each of the others, and returns its path. `user`
   * holds the credentials.
   */
  kubeconfig(folder: string, user: object = { token: 'anybody' }, others: Readonly<Record<string, KubernetesApi>> = {}): string {
    const all = Object.entries({ test: this, ...others });
    const file = path.join(folder, 'kubeconfig.json');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'elsewhere',
      clusters: [
        ...all.map(([name, { address }]) => ({ name, cluster: { server: address, 'insecure-skip-tls-verify': true } })),
        { name: 'elsewhere', cluster: { server: 'http://127.0.0.1:1' } },
      ],
      users: [{ name: 'test', user }],
      contexts: [
        ...all.map(([name]) => ({ name, context: { cluster: name, user: 'test' } })),
        { name: 'elsewhere', context: { cluster: 'elsewhere', user: 'test' } },
      ],
    };
    fs.writeFileSync(file, JSON.stringify(config));
    return file;
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://test');
    const method = request.method ?? '';
    this.requests.push(`${method} ${pathname}`);
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`)
      return answer(response, 401, status(401, 'Unauthorized', 'Unauthorized'));
    const found = discovery(pathname);
    if (found) return answer(response, 200, found);
    const place = placeOf(pathname);
    if (!place) return answer(response, 404, status(404, 'NotFound', 'the server could not find the requested resource'));
    const { resource, namespace, name, sub } = place;
    if (resource === 'selfsubjectaccessreviews') return answer(response, 201, this.review(JSON.parse(text) as Stored));
    const isWatch = query.get('watch') === 'true' || query.get('watch') === '1';
    const verb = isWatch
      ? 'watch'
      : method === 'GET'
        ? name
          ? 'get'
          : 'list'
        : method === 'PATCH'
          ? 'patch'
          : method === 'POST'
            ? 'create'
            : 'delete';
    if (this.forbidden.has(`${verb} ${resource}`)) {
      const message = `${resource}.apps "${name ?? ''}" is forbidden: User "dev" cannot ${verb} resource "${resource}" in API group "apps" in the namespace "${namespace ?? ''}"`;
      return answer(response, 403, status(403, 'Forbidden', message));
    }
    if (resource === 'pods' && sub === 'log') return this.log(name ?? '', query, response);
    if (isWatch) return this.watch(resource, query, response);
    if (method === 'GET' && name === undefined)
      return answer(response, 200, { ...this.store.list(resource, query.get('labelSelector'), query.get('fieldSelector')) });
    const notFound = status(404, 'NotFound', `${resource} "${name ?? ''}" not found`, { name, kind: resource });
    if (method === 'PATCH' && name !== undefined) {
      const type = request.headers['content-type'] ?? '';
      const manager = query.get('fieldManager') ?? (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? '';
      if (type.includes('apply-patch')) {
        const wanted = JSON.parse(text) as Stored;
        const invalid = this.refusal(resource, wanted);
        if (invalid) return answer(response, invalid.code, invalid);
        const isDryRun = query.get('dryRun') === 'All';
        const applied = this.store.apply(resource, namespace, name, wanted, manager, query.get('force') === 'true', isDryRun);
        if (!isDryRun) this.applied.push(`${resource}/${name}`);
        if (!Array.isArray(applied)) return answer(response, 200, applied);
        return answer(response, 409, conflict(applied));
      }
      const patched = this.store.patch(resource, name, JSON.parse(text), manager, type.includes('json-patch'));
      return patched ? answer(response, 200, patched) : answer(response, 404, notFound);
    }
    const object = name === undefined ? undefined : this.store.get(resource, name);
    if (object && method === 'DELETE') {
      this.store.remove(resource, object.metadata.name);
      return answer(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
    }
    if (object && method === 'PUT') return answer(response, 200, this.store.put(resource, { ...object, ...(JSON.parse(text) as Stored) }));
    return object ? answer(response, 200, object) : answer(response, 404, notFound);
  }

  private refusal(resource: string, wanted: Stored): ReturnType<typeof status> | undefined {
    const { name } = wanted.metadata;
    const reason = this.refused.get(`${resource}/${name}`);
    if (reason !== undefined) return status(403, 'Forbidden', `admission webhook "policy.test" denied the request: ${reason}`);
    const field = resource === 'jobs' ? 'template' : 'selector';
    const [before, after] = [this.store.get(resource, name), wanted].map(
      (object) => (object?.['spec'] as Record<string, unknown> | undefined)?.[field],
    );
    if (!/^(deployments|statefulsets|daemonsets|jobs)$/.test(resource) || before === undefined) return undefined;
    if (JSON.stringify(before) === JSON.stringify(after)) return undefined;
    const message = `Invalid value: ${JSON.stringify(after)}: field is immutable`;
    const details = { name, kind: wanted.kind, causes: [{ reason: 'FieldValueInvalid', message, field: `spec.${field}` }] };
    return status(422, 'Invalid', `${wanted.kind}.apps "${name}" is invalid: spec.${field}: ${message}`, details);
  }

  private review(review: Stored): object {
    const { verb = '', resource = '' } =
      (review['spec'] as { resourceAttributes?: { verb?: string; resource?: string } }).resourceAttributes ?? {};
    return { ...review, metadata: {}, status: { allowed: !this.forbidden.has(`${verb} ${resource}`) } };
  }

  private log(pod: string, query: URLSearchParams, response: http.ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.end(this.podLog(pod, query.get('previous') === 'true'));
  }

  private watch(resource: string, query: URLSearchParams, response: http.ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' });
    response.flushHeaders();
    const from = query.get('resourceVersion');
    const stop = this.store.watch(resource, query.get('labelSelector'), query.get('fieldSelector'), from, (event) => {
      response.write(`${JSON.stringify(event)}\n`);
    });
    response.once('close', stop);
  }
}

function answer(response: http.ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

function status(
  code: number,
  reason: string,
  message: string,
  details?: object,
): { readonly code: number; readonly [key: string]: unknown } {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code, ...(details && { details }) };
}

function conflict(found: readonly { manager: string; field: string }[]): object {
  const causes = found.map(({ manager, field }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${manager}" using apps/v1`,
    field,
  }));
  const one = found[0];
  const message =
    found.length === 1 && one
      ? `Apply failed with 1 conflict: conflict with "${one.manager}" using apps/v1: ${one.field}`
      : `Apply failed with ${found.length} conflicts: ${[...new Set(found.map(({ manager }) => manager))].map((manager) => `conflicts with "${manager}" using apps/v1:\n${found.flatMap((other) => (other.manager === manager ? [`- ${other.field}`] : [])).join('\n')}`).join('\n')}`;
  return status(409, 'Conflict', message, { causes });
}

const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
const core = {
  namespaces: 'Namespace',
  pods: 'Pod',
  events: 'Event',
  services: 'Service',
  configmaps: 'ConfigMap',
  secrets: 'Secret',
  persistentvolumeclaims: 'PersistentVolumeClaim',
};
const apps = {
  deployments: 'Deployment',
  replicasets: 'ReplicaSet',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  controllerrevisions: 'ControllerRevision',
};
const groups: Record<string, Record<string, string>> = {
  'apps/v1': apps,
  'authorization.k8s.io/v1': { selfsubjectaccessreviews: 'SelfSubjectAccessReview' },
  'batch/v1': { jobs: 'Job' },
  'networking.k8s.io/v1': { ingresses: 'Ingress' },
};

function discovery(pathname: string): object | undefined {
  if (pathname === '/version') return { major: '1', minor: '32', gitVersion: 'v1.32.0' };
  if (pathname === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (pathname === '/apis')
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: Object.keys(groups).map((groupVersion) => {
        const [name = '', version = ''] = groupVersion.split('/');
        return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
      }),
    };
  if (pathname === '/api/v1') return resources('v1', core);
  const groupVersion = pathname.replace(/^\/apis\//, '');
  return groups[groupVersion] && resources(groupVersion, groups[groupVersion]);
}

function resources(groupVersion: string, kinds: Record<string, string>): object {
  const cluster = new Set(['Namespace', 'SelfSubjectAccessReview']);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: Object.entries(kinds).map(([name, kind]) => ({
      name,
      singularName: kind.toLowerCase(),
      namespaced: !cluster.has(kind),
      kind,
      verbs: kind === 'SelfSubjectAccessReview' ? ['create'] : verbs,
    })),
  };
}

function placeOf(pathname: string): { resource: string; namespace?: string; name?: string; sub?: string } | undefined {
  const parts = pathname.split('/').slice(1);
  const rest = parts[0] === 'api' ? parts.slice(2) : parts[0] === 'apis' ? parts.slice(3) : [];
  const isIn = rest[0] === 'namespaces' && rest.length > 2;
  const [resource, name, sub] = isIn ? rest.slice(2) : rest;
  if (resource === undefined) return undefined;
  return { resource, ...(isIn && { namespace: rest[1] ?? '' }), ...(name !== undefined && { name }), ...(sub !== undefined && { sub }) };
}
