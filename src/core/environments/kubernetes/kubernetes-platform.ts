import { fail, type Result } from '../../failure';
import type { KubernetesDefinition } from '../../pipeline/pipeline';
import type { Observed, Platform, PlatformDeployed, PlatformPlace } from '../platform';

export class KubernetesPlatform implements Platform {
  constructor(
    readonly definition: KubernetesDefinition,
    readonly place: PlatformPlace,
  ) {}

  async check(): Promise<Result<void>> {
    return fail('usage', 'not built yet');
  }

  async deploy(): Promise<Result<PlatformDeployed>> {
    return fail('usage', 'not built yet');
  }

  async restore(): Promise<Result<{ url: string }>> {
    return fail('usage', 'not built yet');
  }

  async takeDown(): Promise<Result<void>> {
    return fail('usage', 'not built yet');
  }

  async observe(): Promise<Result<readonly Observed[]>> {
    return fail('usage', 'not built yet');
  }

  async logs(): Promise<Result<void>> {
    return fail('usage', 'not built yet');
  }

  async stop(): Promise<Result<void>> {
    return fail('usage', 'not built yet');
  }

  async start(): Promise<Result<void>> {
    return fail('usage', 'not built yet');
  }

  async forget(): Promise<void> {}
}
