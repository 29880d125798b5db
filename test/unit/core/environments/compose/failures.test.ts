import * as assert from 'node:assert/strict';
import { configFailure, engineFailure, startFailure } from '../../../../../src/core/environments/compose/failures';

const printed = (stderr: string) => ({ exitCode: 1, stdout: '', stderr });
const told = (result: ReturnType<typeof startFailure>) => (result.ok ? '' : result.failure.message);
const why = (stderr: string) => told(startFailure('shop', 'staging', printed(stderr)));

describe('why a service does not come up', () => {
  it('a port that is taken, in the words of every version', () => {
    const taken = 'shop could not be brought up in staging: port 8080 is taken';
    for (const text of [
      'ERROR: for shop  Cannot start service shop: driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:8080 failed: port is already allocated',
      'ERROR: for shop  Cannot start service shop: driver failed programming external connectivity on endpoint x (1a2b): Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in use',
      'Error response from daemon: ports are not available: exposing port TCP 0.0.0.0:8080 -> 127.0.0.1:0: listen tcp 0.0.0.0:8080: bind: address already in use',
      'Error response from daemon: failed to set up container networking: driver failed programming external connectivity on endpoint x (1a2b): Bind for 0.0.0.0:8080 failed: port is already allocated',
    ])
      assert.equal(why(text), taken, text);
  });

  it('an image that cannot be pulled', () => {
    for (const text of [
      "pull access denied for acme/shop, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
      'ERROR: manifest for acme/shop:9 not found: manifest unknown: manifest unknown',
      'Error response from daemon: Get "https://registry.test/v2/": dial tcp: lookup registry.test: no such host',
      'Error response from daemon: failed to resolve reference "docker.io/acme/shop:9": docker.io/acme/shop:9: not found',
    ])
      assert.match(why(text), /^shop could not be brought up in staging: an image cannot be pulled: /, text);
  });

  it('an image that cannot be built, by the line that says most', () => {
    const old =
      "Step 2/3 : RUN exit 7\nThe command '/bin/sh -c exit 7' returned a non-zero code: 7\nERROR: Service 'shop' failed to build : Build failed";
    assert.match(why(old), /^shop could not be built for staging: The command .* returned a non-zero code: 7$/);
    const kit = 'failed to solve: process "/bin/sh -c exit 7" did not complete successfully: exit code: 7';
    assert.match(why(kit), /did not complete successfully: exit code: 7$/);
  });

  it('anything else in the words of compose', () =>
    assert.equal(why('ERROR: it is full\n'), 'shop could not be brought up in staging: it is full'));

  it('a compose file that is wrong, without the warnings before it', () => {
    const result = configFailure(
      ['compose.yaml'],
      printed('WARNING: The X variable is not set.\nERROR: The file is invalid because:\nservices.shop has a typo\n'),
    );
    assert.equal(told(result), 'compose cannot read compose.yaml: The file is invalid because: services.shop has a typo');
  });

  it('an engine that is away, or not for this user', () => {
    const hint = (text: string) => {
      const result = engineFailure('docker', printed(text));
      return result.ok ? undefined : result.failure.hint;
    };
    assert.match(hint('Cannot connect to the Docker daemon at unix:///var/run/docker.sock.') ?? '', /start Docker/);
    assert.match(hint('permission denied while trying to connect to the Docker daemon socket') ?? '', /docker group/);
  });
});
