import * as vscode from 'vscode';
import { ciPlace } from '../../core/ci/ci-place';
import { environmentTokens, tokenVariable } from '../../core/http/environment-tokens';
import type { CiDefinition } from '../../core/model/pipeline';
import type { HostTokens } from '../app/host-tokens';
import type { lazyParser } from '../pipeline/parser';
import type { Service } from '../app/state';
import { workingDefinition } from '../pipeline/working-definition';

export type CiName = CiDefinition['kind'];

/** A CI service as far as signing in to it goes. */
export interface CiHost {
  readonly kind: CiName;
  /** `https://host[:port]` */
  readonly host: string;
}

/** The tokens with which the window's processes ask CI services: handed on in their environment, each under the name of its host. */
export class CiTokens {
  constructor(
    readonly tokens: HostTokens,
    private readonly parse: ReturnType<typeof lazyParser>,
  ) {}

  /** The engine that the definition of a service names; `name`: another one, where it is known where that is. */
  async hostOf(service: Service, name?: CiName): Promise<CiHost | undefined> {
    const defined = workingDefinition(service, this.parse)?.engine;
    const isDefined = defined && (name === undefined || defined.kind === name);
    const meant = isDefined ? defined : usual(name);
    const place = meant && (await ciPlace(meant, service));
    if (!meant || !place?.ok || (!isDefined && !mayBe(meant.kind, place.value.server))) return undefined;
    return { kind: meant.kind, host: place.value.tokenHost };
  }

  /** Whether there is a token, or one was given now: asked for when it is first needed. */
  async ensure(service: Service, name: CiName): Promise<boolean> {
    const engine = await this.hostOf(service, name);
    return !engine || (await this.isSignedIn(engine)) || this.tokens.ask(engine.kind, engine.host);
  }

  /** Whether there is one, here or in the environment that the window was started in. */
  private async isSignedIn({ kind, host }: CiHost): Promise<boolean> {
    return (await this.tokens.get(kind, host)) !== undefined || (await environmentTokens(process.env)(kind, host)) !== undefined;
  }

  /** For a process that asks for one service, or for several of a repository. Asks nobody. */
  async environment(services: readonly Service[], name?: CiName): Promise<Readonly<Record<string, string>>> {
    return { ...proxy(), ...(await this.variables(services, name)) };
  }

  /** The same without the editor's proxy, for a process whose steps run here: they would get it, too. */
  async variables(services: readonly Service[], name?: CiName): Promise<Readonly<Record<string, string>>> {
    const found: Record<string, string> = {};
    for (const service of services) {
      const engine = await this.hostOf(service, name);
      const token = engine && (await this.tokens.get(engine.kind, engine.host));
      if (engine && token !== undefined) found[tokenVariable(engine.host)] = token;
    }
    return found;
  }
}

/** The editor's own proxy, unless the environment names one. */
function proxy(): Readonly<Record<string, string>> {
  if (['http_proxy', 'https_proxy', 'all_proxy'].some((name) => process.env[name] ?? process.env[name.toUpperCase()])) return {};
  const settings = vscode.workspace.getConfiguration('http');
  const address = settings.get<string>('proxy', '');
  const without = settings.get<readonly string[]>('noProxy', []);
  return address === '' ? {} : { http_proxy: address, https_proxy: address, ...(without.length > 0 && { no_proxy: without.join(',') }) };
}

/** What needs no setting: the rest is read from git. */
function usual(name: CiName | undefined): CiDefinition | undefined {
  return name === 'github' || name === 'gitlab' ? { kind: name } : undefined;
}

/** What the name of a server gives away of what it is not. */
function mayBe(kind: CiName, server: string): boolean {
  const { host } = new URL(server);
  if (/(^|\.)(github\.com|ghe\.com)$|github/.test(host)) return kind === 'github';
  return !/gitlab/.test(host) || kind === 'gitlab';
}
