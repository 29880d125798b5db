import { dangerOf } from './danger';
import { healthPathIn, portIn, serverAt } from './port';
import { choice, type Found, type FoundServer, type ProjectFolder } from './project';

const everything = ['**'];
const host = '127.0.0.1';

export function detectGo(project: ProjectFolder): Found | undefined {
  if (!project.has('go.mod')) return undefined;
  const sources = project.sources(/\.go$/);
  const programs = project.matching(sources, /^package main\b/m).filter((file) => !/^\/\/go:build ignore/m.test(project.text(file)));
  const tests = project.files.some((file) => file.endsWith('_test.go'));
  const build =
    programs.length > 0
      ? { name: 'build', run: 'go build -o bin/ ./...', inputs: everything, outputs: ['bin/**'] }
      : { name: 'build', run: 'go build ./...', inputs: everything };
  return {
    label: 'Go',
    prefix: 'go',
    steps: [
      build,
      { name: 'vet', run: 'go vet ./...', inputs: everything },
      ...(tests ? [{ name: 'test', run: 'go test ./...', inputs: everything }] : []),
    ],
    server: goServer(project, sources, programs),
  };
}

const goServes = /ListenAndServe|net\.Listen\(|\.(?:Run|Start|Listen|Serve)\w*\(|gin\.|echo\.New|fiber\.New|httprouter|grpc\.NewServer/;

function goServer(project: ProjectFolder, sources: readonly string[], programs: readonly string[]): FoundServer | undefined {
  const folders = [...new Set(programs.map((file) => file.slice(0, file.lastIndexOf('/') + 1)))];
  const filesOf = (folder: string): string[] => programs.filter((file) => file.slice(0, file.lastIndexOf('/') + 1) === folder);
  const serving = folders.filter((folder) => project.matching(filesOf(folder), goServes).length > 0);
  const candidates = serving.length > 0 ? serving : folders.length === 1 && project.matching(sources, goServes).length > 0 ? folders : [];
  const readers = candidates.filter((folder) => {
    const port = portIn(project, filesOf(folder));
    return port !== undefined && 'variable' in port;
  });
  const [only, ...others] = readers.length === 1 ? readers : candidates;
  if (only === undefined) return undefined;
  const module = /^module\s+"?([^\s"]+)/m.exec(project.text('go.mod'))?.[1]?.replace(/\/v\d+$/, '') ?? '';
  const command = (folder: string): string => `./bin/${folder.split('/').at(-2) ?? module.split('/').at(-1) ?? 'program'}`;
  // The port is often read in a package for the configuration.
  const files = others.length === 0 ? [...filesOf(only), ...(folders.length === 1 ? sources : [])] : filesOf(only);
  const found = serverAt(project, command(only), files);
  if (others.length > 0) return { ...found, question: `which program serves: ${choice(candidates.map(command))}?` };
  if (found.question === undefined) return found;
  const text = files.map((file) => project.text(file)).join('\n');
  const flag = /\bflag\.\w+\((?:&\w+,\s*)?"((?:http[-_.]?)?(?:port|addr|address|listen|bind))"\s*,\s*(":|"[\w.]*:\d|\d|")/i.exec(text);
  if (flag) return { ...found, start: `${found.start} -${flag[1]} ${flag[2]?.includes(':') ? `${host}:` : ''}$PORT`, question: undefined };
  // Gin listens on PORT unless the program names an address.
  return /\.Run\(\)/.test(text) && /gin-gonic\/gin/.test(text) ? { ...found, question: undefined } : found;
}

/** Cargo itself skips up-to-date builds, so the build step has no inputs. */
export function detectRust(project: ProjectFolder): Found | undefined {
  if (!project.has('Cargo.toml')) return undefined;
  const manifest = project.text('Cargo.toml');
  const up = project.above('Cargo.lock');
  const locked = up === undefined ? '' : ' --locked';
  const members = /^\[workspace\]/m.test(manifest) ? ' --workspace' : '';
  const server = rustServer(project, up ?? '');
  return {
    label: 'Rust',
    prefix: 'rust',
    steps: [
      { name: 'build', run: `cargo build${server ? ' --release' : ''}${locked}${members}` },
      { name: 'test', needs: ['build'], run: `cargo test${locked}${members}`, inputs: everything },
    ],
    server,
  };
}

function rustServer(project: ProjectFolder, up: string): FoundServer | undefined {
  const manifest = project.text('Cargo.toml');
  const name = /^\[package\][^[]*?^name\s*=\s*"([\w-]+)"/m.exec(manifest)?.[1];
  const named = [...manifest.matchAll(/^\[\[bin\]\][^[]*?^name\s*=\s*"([\w-]+)"/gm)].map((match) => match[1] ?? '');
  const inFolder = project.files.flatMap((file) => /^src\/bin\/([\w-]+)(?:\.rs|\/main\.rs)$/.exec(file)?.[1] ?? []);
  const programs = [
    ...new Set([...(project.has('src/main.rs') && name !== undefined && named.length === 0 ? [name] : []), ...named, ...inFolder]),
  ];
  const sources = project.files.filter((file) => /^src\/.*\.rs$/.test(file));
  const serves = /TcpListener|axum|actix_web|warp::|rocket|hyper::|tide::|poem|salvo|HttpServer|tonic::|tiny_http|"PORT"/;
  const [program, ...others] = programs;
  if (program === undefined || project.matching(sources, serves).length === 0) return undefined;
  const start = `${up}target/release/${program}`;
  const command = start.startsWith('.') ? start : `./${start}`;
  const found = serverAt(project, command, sources);
  const text = sources.map((file) => project.text(file)).join('\n');
  if (others.length > 0) return { ...found, question: `which program serves: ${choice(programs)}?` };
  if (found.question === undefined) return found;
  if (/\brocket\b/.test(manifest)) return { ...found, start: `ROCKET_PORT=$PORT ${command}`, question: undefined };
  const flag = /#\[(?:arg|clap)\([^\]]*\blong\b[^\]]*\)\]\s*(?:pub(?:\(\w+\))?\s+)?(port|addr|address|bind|listen)\s*:/.exec(text)?.[1];
  return flag === undefined
    ? found
    : { ...found, start: `${command} --${flag} ${flag === 'port' ? '' : `${host}:`}$PORT`, question: undefined };
}

/** The Java frameworks that take their port as an argument or a variable. `jar` is the archive of the build. */
const javaFrameworks: readonly { sign: RegExp; command: (jar: string) => string; maven: string; gradle: string; task: string }[] = [
  {
    sign: /io\.quarkus/,
    command: (jar) => `java -Dquarkus.http.host=${host} -Dquarkus.http.port=$PORT -jar ${jar}`,
    maven: 'target/quarkus-app/quarkus-run.jar',
    gradle: 'build/quarkus-app/quarkus-run.jar',
    task: 'quarkusBuild',
  },
  {
    sign: /spring-boot|org\.springframework\.boot/,
    command: (jar) => `java -jar ${jar} --server.port=$PORT`,
    maven: '',
    gradle: 'build/libs/*.jar',
    task: 'bootJar',
  },
  {
    sign: /io\.micronaut/,
    command: (jar) => `MICRONAUT_SERVER_PORT=$PORT java -jar ${jar}`,
    maven: '',
    gradle: 'build/libs/*-all.jar',
    task: 'shadowJar',
  },
];

export function detectMaven(project: ProjectFolder): Found | undefined {
  if (!project.has('pom.xml')) return undefined;
  const pom = project.text('pom.xml');
  const parent = project.has('../pom.xml') && /<modules>/.test(project.text('../pom.xml'));
  const artifact = ownTag(pom, 'artifactId');
  // A module is built with the modules that it depends on.
  const within = parent && artifact !== undefined ? ` --file ../pom.xml --projects :${artifact} --also-make` : '';
  const maven = `${wrapper(project, 'mvnw', parent ? '../' : '') ?? 'mvn'} --batch-mode${within}`;
  const name =
    ownTag(pom, 'finalName') ??
    (artifact !== undefined && ownTag(pom, 'version') !== undefined ? `${artifact}-${ownTag(pom, 'version')}` : '*');
  const jar = /\$\{/.test(name) ? 'target/*.jar' : `target/${name}.jar`;
  const framework = javaFrameworks.find(({ sign }) => sign.test(pom) && !/<packaging>pom</.test(pom));
  const isLibrary = /<packaging>pom</.test(pom);
  const server = framework ? javaServer(project, pom, framework.command(framework.maven || jar)) : plainJava(project, pom);
  return {
    label: 'Maven',
    prefix: 'maven',
    steps: [
      { name: 'test', run: `${maven} test`, inputs: everything, reports: ['**/target/surefire-reports/*.xml'] },
      {
        name: 'build',
        needs: ['test'],
        run: `${maven} package -DskipTests`,
        inputs: everything,
        outputs: framework?.maven
          ? ['target/quarkus-app/**']
          : ['**/target/*.jar', '**/target/*.war', ...(server && !framework ? ['target/classes/**'] : [])],
      },
    ].map((step) => (within === '' ? step : { ...step, inputs: [] })),
    server: isLibrary ? undefined : server,
  };
}

export function detectGradle(project: ProjectFolder): Found | undefined {
  if (project.first('build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts') === undefined) return undefined;
  const up = project.above('gradlew', 'settings.gradle', 'settings.gradle.kts') ?? '';
  // A Gradle daemon would outlive the step.
  const gradle = `${wrapper(project, 'gradlew', up) ?? 'gradle'} --no-daemon --console=plain`;
  const script = project.text('build.gradle') + project.text('build.gradle.kts');
  const framework = javaFrameworks.find(({ sign }) => sign.test(script));
  const application = /^\s*(?:id[ (]["'])?application\b/m.test(script);
  return {
    label: 'Gradle',
    prefix: 'gradle',
    steps: [
      { name: 'test', run: `${gradle} test`, inputs: everything, reports: ['**/build/test-results/test/*.xml'] },
      {
        name: 'build',
        needs: ['test'],
        run: `${gradle} ${framework?.task ?? (application ? 'installDist' : 'assemble')}`,
        inputs: everything,
        outputs:
          framework?.task === 'quarkusBuild'
            ? ['build/quarkus-app/**']
            : ['**/build/libs/**', ...(application ? ['build/install/**'] : [])],
      },
    ].map((step) => (up === '' ? step : { ...step, inputs: [] })),
    server: framework
      ? javaServer(project, script, framework.command(framework.gradle))
      : application
        ? installedServer(project)
        : undefined,
  };
}

function javaServer(project: ProjectFolder, build: string, start: string): FoundServer {
  const health = /actuator/.test(build) ? '/actuator/health' : /smallrye-health/.test(build) ? '/q/health' : undefined;
  // A library of the framework has no program.
  const mains = project.matching(project.sources(/\.(java|kt|groovy)$/), /static void main|fun main\(|@SpringBootApplication|@QuarkusMain/);
  const isQuarkus = /io\.quarkus/.test(build);
  return {
    kind: 'process',
    start,
    health,
    timeout: '2m',
    ...(mains.length === 0 && !isQuarkus && { question: 'does this project have a program that serves?' }),
  };
}

/** Returns the server of a project without libraries, whose classes run as they are. */
function plainJava(project: ProjectFolder, pom: string): FoundServer | undefined {
  const dependencies = pom.match(/<dependency>[\s\S]*?<\/dependency>/g) ?? [];
  if (dependencies.some((one) => !/<scope>test</.test(one))) return undefined;
  const main = project.matching(project.sources(/^src\/main\/java\/.*\.java$/), /static void main\([\s\S]*|HttpServer|ServerSocket/);
  const serving = main.filter((file) => /static void main\(/.test(project.text(file)));
  const [file, ...others] = project.matching(serving, /HttpServer|ServerSocket|PORT/);
  if (file === undefined || others.length > 0) return undefined;
  const name = file.replace(/^src\/main\/java\//, '').replace(/\.java$/, '').replace(/\//g, '.'); // prettier-ignore
  return serverAt(project, `java -cp target/classes ${name}`, [file, ...main]);
}

function installedServer(project: ProjectFolder): FoundServer | undefined {
  const sources = project.sources(/\.(java|kt)$/);
  if (project.matching(sources, /HttpServer|ServerSocket|embeddedServer|Javalin|undertow|vertx|spark\./i).length === 0) return undefined;
  const name = /rootProject\.name\s*=\s*["']([\w.-]+)/.exec(project.text('settings.gradle') + project.text('settings.gradle.kts'))?.[1];
  return name === undefined ? undefined : { ...serverAt(project, `build/install/${name}/bin/${name}`, sources), timeout: '1m' };
}

/** Returns the text of a tag of the project itself: not of its parent, dependencies or plugins. */
function ownTag(pom: string, tag: string): string | undefined {
  const own = pom.replace(/<(parent|dependencies|dependencyManagement|plugins|pluginManagement|profiles|properties)>[\s\S]*?<\/\1>/g, '');
  const text = new RegExp(`<${tag}>\\s*([\\w.\${}-]+)\\s*</${tag}>`).exec(own)?.[1];
  return text;
}

function wrapper(project: ProjectFolder, name: string, up = ''): string | undefined {
  if (!project.has(up + name)) return undefined;
  if (!project.isExecutable(up + name)) return `sh ${up}${name}`;
  return up === '' ? `./${name}` : up + name;
}

export function detectDotnet(project: ProjectFolder): Found | undefined {
  const projects = project.files.filter((file) => /\.(cs|fs|vb)proj$/.test(file));
  if (projects.length === 0) return undefined;
  const tests = project.matching(projects, /Microsoft\.NET\.Test\.Sdk|<IsTestProject>true/);
  const web = project
    .matching(projects, /Sdk="Microsoft\.NET\.Sdk\.Web"/)
    .filter((file) => !tests.includes(file) && dangerOf(project.text(file)) === undefined);
  const [main, ...others] = web;
  const named = (file: string): string =>
    /<AssemblyName>([\w.-]+)</.exec(project.text(file))?.[1] ?? (file.split('/').at(-1) ?? '').replace(/\.\w+proj$/, '');
  const safe = (file: string): string => (/^[\w./-]+$/.test(file) ? file : `'${file}'`);
  const solution = project.files.find((file) => /^[^/]+\.slnx?$/.test(file));
  const tested = solution ?? (tests.length === 1 ? tests[0] : undefined);
  return {
    label: '.NET',
    prefix: 'dotnet',
    steps: [
      main === undefined
        ? { name: 'build', run: `dotnet build${solution === undefined && projects[0] !== undefined ? ` ${safe(projects[0])}` : ''}` }
        : {
            name: 'build',
            run: `dotnet publish ${safe(main)} --configuration Release --output publish`,
            inputs: everything,
            outputs: ['publish/**'],
          },
      ...(tests.length > 0
        ? [{ name: 'test', run: `dotnet test${tested === undefined ? '' : ` ${safe(tested)}`}`, needs: ['build'] }]
        : []),
    ],
    server:
      main === undefined
        ? undefined
        : {
            kind: 'process',
            start: `dotnet publish/${safe(named(main))}.dll --urls http://${host}:$PORT`,
            health: healthPathIn(
              project
                .sources(/\.(cs|fs)$/)
                .map((file) => project.text(file))
                .join('\n'),
            ),
            ...(others.length > 0 && { question: `which project serves: ${choice(web)}?` }),
          },
  };
}
