import { randomUUID } from 'node:crypto';

/** An object as the API server stores it. */
export interface Stored {
  apiVersion: string;
  kind: string;
  metadata: Record<string, unknown> & {
    name: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { apiVersion?: string; kind?: string; name?: string; uid: string; controller?: boolean }[];
  };
  [key: string]: unknown;
}

interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Stored;
}
type Tree = Record<string, unknown>;
interface Listener {
  resource: string;
  matches(object: Stored): boolean;
  notify(change: Change): void;
}

/** The objects of a cluster, the managers of their fields, and the watches for changes. It has one namespace. */
export class KubernetesStore {
  /** Called after each change, after the watches. */
  onChange: (resource: string, object: Stored) => void = () => {};
  private version = 1;
  private readonly objects = new Map<string, Map<string, Stored>>();
  private readonly managers = new Map<string, Map<string, Map<string, string>>>();
  private readonly changes: { resource: string; version: number; change: Change }[] = [];
  private readonly listeners = new Set<Listener>();

  get(resource: string, name: string): Stored | undefined {
    return this.objects.get(resource)?.get(name);
  }

  all(resource: string): Stored[] {
    return [...(this.objects.get(resource)?.values() ?? [])];
  }

  list(resource: string, labels: string | null, fields: string | null): object {
    const items = this.all(resource).filter((object) => matches(object, labels, fields));
    const [first] = items;
    return {
      kind: first ? `${first.kind}List` : 'List',
      apiVersion: first?.apiVersion ?? 'v1',
      metadata: { resourceVersion: String(this.version) },
      items,
    };
  }

  /** Creates or replaces an object. Its generation counts changes of `spec`. */
  put(resource: string, object: Stored): Stored {
    const all = this.objects.get(resource) ?? new Map<string, Stored>();
    this.objects.set(resource, all);
    const before = all.get(object.metadata.name);
    const isOther = !before || JSON.stringify(before['spec']) !== JSON.stringify(object['spec']);
    const generation = (before?.metadata.generation ?? 0) + (isOther ? 1 : 0);
    const metadata = {
      namespace: 'shop',
      creationTimestamp: new Date().toISOString(),
      ...object.metadata,
      uid: before?.metadata.uid ?? randomUUID(),
      generation,
      resourceVersion: String(++this.version),
    };
    const stored = structuredClone({ ...object, metadata });
    all.set(object.metadata.name, stored);
    this.publish(resource, { type: before ? 'MODIFIED' : 'ADDED', object: stored });
    return stored;
  }

  remove(resource: string, name: string): void {
    const object = this.get(resource, name);
    if (!object) return;
    this.objects.get(resource)?.delete(name);
    this.version++;
    this.publish(resource, { type: 'DELETED', object });
  }

  /** Performs a server-side apply. Returns the object, or the fields that another manager has set differently. */
  apply(
    resource: string,
    namespace: string | undefined,
    name: string,
    wanted: Stored,
    manager: string,
    force: boolean,
    isDryRun = false,
  ): Stored | { manager: string; field: string }[] {
    const { apiVersion, kind, ...config } = wanted;
    const fields = leaves({
      metadata: { labels: config.metadata.labels, annotations: config.metadata.annotations },
      spec: config['spec'],
      data: config['data'],
    });
    const owners = this.ownersOf(resource, name);
    const conflicts = [...owners].flatMap(([other, owned]) =>
      other === `${manager} apply`
        ? []
        : [...fields].flatMap(([field, value]) =>
            owned.has(field) && owned.get(field) !== value ? [{ manager: other.split(' ')[0] ?? '', field }] : [],
          ),
    );
    if (conflicts.length > 0 && !force) return conflicts;
    const before = this.get(resource, name) ?? { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }) } };
    if (isDryRun) return merged(before, wanted) as Stored;
    for (const { field } of conflicts) for (const [other, owned] of owners) if (other !== `${manager} apply`) owned.delete(field);
    const owned = owners.get(`${manager} apply`);
    owners.set(`${manager} apply`, fields);
    const stored = this.put(resource, merged(withoutDropped(before, owned, fields), wanted) as Stored);
    return stored;
  }

  patch(resource: string, name: string, patch: unknown, manager: string, isJson: boolean): Stored | undefined {
    const before = this.get(resource, name);
    if (!before) return undefined;
    const after = isJson ? replaced(before, patch as { path: string; value: unknown }[]) : (mergePatch(before, patch as Tree) as Stored);
    const old = leaves(before);
    const owned = this.ownersOf(resource, name).get(`${manager} update`) ?? new Map<string, string>();
    for (const [field, value] of leaves(after)) if (old.get(field) !== value) owned.set(field, value);
    this.ownersOf(resource, name).set(`${manager} update`, owned);
    return this.put(resource, after);
  }

  watch(resource: string, labels: string | null, fields: string | null, from: string | null, notify: (change: Change) => void): () => void {
    const listener: Listener = { resource, matches: (object) => matches(object, labels, fields), notify };
    // Without a version, a watch starts with the present objects.
    if (from === null || from === '0' || from === '')
      for (const object of this.all(resource)) if (listener.matches(object)) notify({ type: 'ADDED', object });
    if (from)
      for (const past of this.changes)
        if (past.resource === resource && past.version > Number(from) && listener.matches(past.change.object)) notify(past.change);
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private ownersOf(resource: string, name: string): Map<string, Map<string, string>> {
    const key = `${resource}/${name}`;
    const owners = this.managers.get(key) ?? new Map<string, Map<string, string>>();
    this.managers.set(key, owners);
    return owners;
  }

  private publish(resource: string, change: Change): void {
    this.changes.push({ resource, version: this.version, change });
    for (const listener of this.listeners) if (listener.resource === resource && listener.matches(change.object)) listener.notify(change);
    this.onChange(resource, change.object);
  }
}

function matches(object: Stored, labels: string | null, fields: string | null): boolean {
  const present = object.metadata.labels ?? {};
  const isSelected = (labels ?? '').split(',').every((one) => one === '' || present[one.split('=')[0] ?? ''] === one.split('=').at(-1));
  return (
    isSelected &&
    (fields ?? '')
      .split(',')
      .every((one) => one === '' || one.replace('==', '=') === `metadata.name=${object.metadata.name}` || !one.startsWith('metadata.name'))
  );
}

/** Returns every leaf value by its path. Items of a list with names are addressed by name. */
function leaves(value: unknown, at = '', found = new Map<string, string>()): Map<string, string> {
  const items = named(value);
  if (items) for (const one of items) leaves(one, `${at}[name="${one.name}"]`, found);
  else if (value !== null && typeof value === 'object' && !Array.isArray(value))
    for (const [key, inner] of Object.entries(value)) leaves(inner, `${at}.${key}`, found);
  else if (value !== undefined) found.set(at, JSON.stringify(value));
  return found;
}

function named(value: unknown): { name: string }[] | undefined {
  const isNamed =
    Array.isArray(value) && value.length > 0 && value.every((one: unknown) => typeof (one as { name?: unknown } | null)?.name === 'string');
  return isNamed ? (value as { name: string }[]) : undefined;
}

function merged(before: unknown, wanted: unknown): unknown {
  const items = named(wanted);
  const old = named(before);
  if (items)
    return items.map((one) =>
      merged(
        old?.find(({ name }) => name === one.name),
        one,
      ),
    );
  if (wanted === null || typeof wanted !== 'object' || Array.isArray(wanted)) return wanted;
  const base: Tree = before !== null && typeof before === 'object' && !Array.isArray(before) ? (before as Tree) : {};
  return { ...base, ...Object.fromEntries(Object.entries(wanted).map(([key, inner]) => [key, merged(base[key], inner)])) };
}

/** Removes the values of maps that the manager has applied before and no longer applies. */
function withoutDropped(before: Stored, owned: Map<string, string> | undefined, fields: Map<string, string>): Stored {
  const after = structuredClone(before) as Stored & { data?: Record<string, unknown> };
  for (const field of owned?.keys() ?? []) {
    const key = /^\.data\.(.*)$/.exec(field)?.[1];
    if (key !== undefined && !fields.has(field) && after.data) delete after.data[key];
  }
  return after;
}

function mergePatch(before: unknown, patch: Tree): Tree {
  const after: Tree = { ...(before as Tree) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete after[key];
    else after[key] = typeof value === 'object' && !Array.isArray(value) ? mergePatch(after[key] ?? {}, value as Tree) : value;
  }
  return after;
}

function replaced(before: Stored, patch: readonly { path: string; value: unknown }[]): Stored {
  const after = structuredClone(before);
  for (const { path, value } of patch) {
    const keys = path.split('/').slice(1);
    const last = keys.pop() ?? '';
    let inner = after as Tree;
    for (const key of keys) inner = inner[key] as Tree;
    inner[last] = value;
  }
  return after;
}
