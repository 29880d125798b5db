import * as vscode from 'vscode';
import { ciServices, findCiService } from '../../core/ci/registry';
import { ciPlace } from '../../core/ci/ci-place';
import { environmentTokens, tokenVariable } from '../../core/pipeline/environment-tokens';
import type { CiDefinition } from '../../core/model/pipeline';
import type { HostTokens } from '../app/host-tokens';
import type { Service } from '../app/state';
import { workingDefinition } from '../pipeline/parser';

export type CiName = CiDefinition['kind'];

/** The host that a token is for. */
export interface CiHost {
  readonly kind: CiName;
  /** `https://host[:port]` */
  readonly host: string;
}

/** The tokens for CI services. Processes receive them in environment variables, named after the host. */
export class CiTokens {
  constructor(readonly tokens: HostTokens) {}

  /** Returns the host of the CI service in the definition, or of `name` if its address is known. */
  async hostOf(service: Service, name?: CiName): Promise<CiHost | undefined> {
    const inFile = (await workingDefinition(service))?.engine;
    const isInFile = inFile && (name === undefined || inFile.kind === name);
    const definition = isInFile ? inFile : defaultDefinition(name);
    const place = definition && (await ciPlace(definition, service));
    if (!definition || !place?.ok || (!isInFile && !mayBe(definition.kind, place.value.server))) return undefined;
    return { kind: definition.kind, host: place.value.tokenHost };
  }

  /** Returns true if a token is known or has been entered. */
  async ensure(service: Service, name: CiName): Promise<boolean> {
    const host = await this.hostOf(service, name);
    return !host || (await this.isSignedIn(host)) || this.tokens.prompt(host.kind, host.host);
  }

  private async isSignedIn({ kind, host }: CiHost): Promise<boolean> {
    return (await this.tokens.get(kind, host)) !== undefined || (await environmentTokens(process.env)(kind, host)) !== undefined;
  }

  /** Returns the environment of a process that calls the CI service of these services. Never prompts. */
  async environment(services: readonly Service[], name?: CiName): Promise<Readonly<Record<string, string>>> {
    return { ...proxy(), ...(await this.variables(services, name)) };
  }

  /** Returns the same without the editor's proxy, which would also reach the steps of a local run. */
  async variables(services: readonly Service[], name?: CiName): Promise<Readonly<Record<string, string>>> {
    const variables: Record<string, string> = {};
    for (const service of services) {
      const host = await this.hostOf(service, name);
      const token = host && (await this.tokens.get(host.kind, host.host));
      const variable = host && tokenVariable(host.host);
      if (variable !== undefined && token !== undefined) variables[variable] = token;
    }
    return variables;
  }
}

/** Returns the editor's proxy, unless the environment contains one. */
function proxy(): Readonly<Record<string, string>> {
  if (['http_proxy', 'https_proxy', 'all_proxy'].some((name) => process.env[name] ?? process.env[name.toUpperCase()])) return {};
  const settings = vscode.workspace.getConfiguration('http');
  const address = settings.get<string>('proxy', '');
  const noProxy = settings.get<readonly string[]>('noProxy', []);
  return address === '' ? {} : { http_proxy: address, https_proxy: address, ...(noProxy.length > 0 && { no_proxy: noProxy.join(',') }) };
}

/** Returns the definition of a CI service that is found through the git remote. */
function defaultDefinition(name: CiName | undefined): CiDefinition | undefined {
  const service = name === undefined ? undefined : findCiService(name);
  return service && service.requiredSettings === undefined ? { kind: service.kind } : undefined;
}

/** Returns false if the name of the server belongs to another CI service. */
function mayBe(kind: CiName, server: string): boolean {
  const { host } = new URL(server);
  const owner = ciServices.find(({ hosts }) => hosts?.test(host));
  return owner === undefined || owner.kind === kind;
}
