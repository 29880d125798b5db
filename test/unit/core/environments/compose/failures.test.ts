import * as assert from 'node:assert/strict';
import { configFailure, engineFailure, startFailure } from '../../../../../src/core/environments/compose/failures';

const printed = (stderr: string) => ({ exitCode: 1, stdout: '', stderr });
const messageOf = (result: ReturnType<typeof startFailure>) => (result.ok ? '' : result.failure.message);
const explain = (stderr: string) => messageOf(startFailure('shop', 'staging', printed(stderr)));

describe('the explanation of a compose failure', () => {
  it('recognizes a port in use in the output of every version', () => {
    const inUse = 'shop could not be started in staging: port 8080 is in use';
    for (const text of [
      'ERROR: for shop  Cannot start service shop: driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:8080 failed: port is already allocated',
      'ERROR: for shop  Cannot start service shop: driver failed programming external connectivity on endpoint x (1a2b): Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use',
      'Error response from daemon: ports are not available: exposing port TCP 0.0.0.0:8080 -> 127.0.0.1:0: listen tcp 0.0.0.0:8080: bind: address already in use',
      'Error response from daemon: failed to set up container networking: driver failed programming external connectivity on endpoint x (1a2b): Bind for 0.0.0.0:8080 failed: port is already allocated',
    ])
      assert.equal(explain(text), inUse, text);
  });

  it('recognizes an image that cannot be pulled', () => {
    for (const text of [
      "pull access denied for acme/shop, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
      'ERROR: manifest for acme/shop:9 not found: manifest unknown: manifest unknown',
      'Error response from daemon: Get "https://registry.test/v2/": dial tcp: lookup registry.test: no such host',
      'Error response from daemon: failed to resolve reference "docker.io/acme/shop:9": docker.io/acme/shop:9: not found',
    ])
      assert.match(explain(text), /^shop could not be started in staging: an image cannot be pulled: /, text);
  });

  it('recognizes a failed build by its most informative line', () => {
    const old =
      "Step 2/3 : RUN exit 7\nThe command '/bin/sh -c exit 7' returned a non-zero code: 7\nERROR: Service 'shop' failed to build : Build failed";
    assert.match(explain(old), /^shop could not be built for staging: The command .* returned a non-zero code: 7$/);
    const kit = 'failed to solve: process "/bin/sh -c exit 7" did not complete successfully: exit code: 7';
    assert.match(explain(kit), /did not complete successfully: exit code: 7$/);
  });

  it("passes on compose's message for any other failure", () =>
    assert.equal(explain('ERROR: it is full\n'), 'shop could not be started in staging: it is full'));

  it('shows the errors of an invalid compose file without its warnings', () => {
    const result = configFailure(
      ['compose.yaml'],
      printed('WARNING: The X variable is not set.\nERROR: The file is invalid because:\nservices.shop has a typo\n'),
    );
    assert.equal(messageOf(result), 'compose cannot read compose.yaml: The file is invalid because: services.shop has a typo');
  });

  it('suggests how to reach the engine', () => {
    const hint = (text: string) => {
      const result = engineFailure('docker', printed(text));
      return result.ok ? undefined : result.failure.hint;
    };
    assert.match(hint('Cannot connect to the Docker daemon at unix:///var/run/docker.sock.') ?? '', /start Docker/);
    assert.match(hint('permission denied while trying to connect to the Docker daemon socket') ?? '', /docker group/);
  });
});
