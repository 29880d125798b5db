/** Small projects of each kind, and the definition that `deliver init` writes for them. */
export interface SampleProject {
  readonly files: Readonly<Record<string, string>>;
  /** A line for each step: its name, its needs and its command or environment. */
  readonly steps: readonly string[];
  /** The command of the process, or the compose file. Absent: there is no environment. */
  readonly starts?: string;
  readonly health?: string;
  /** The part of a question. Absent: there is none. */
  readonly asks?: RegExp;
  /** The program that a run needs. Absent: the project cannot run here, because it has dependencies or its tool is rare. */
  readonly tool?: 'node' | 'python3' | 'go' | 'cargo' | 'mvn';
}

const json = (value: unknown): string => JSON.stringify(value);
const nodeServer = (port: string): string =>
  `require('node:http').createServer((request, response) => response.end('ok')).listen(${port}, '127.0.0.1');\n`;
const nodeTest = "require('node:test')('adds', () => {});\n";
const npm = (dependencies: Record<string, string>, scripts: Record<string, string> = {}): Record<string, string> => ({
  'package.json': json({ name: 'shop', scripts, dependencies }),
  'package-lock.json': '{}',
});
const pythonInstall = '.venv/bin/python -m pip install --quiet --disable-pip-version-check';

export const projects: Readonly<Record<string, SampleProject>> = {
  'a Node service': {
    tool: 'node',
    files: {
      'package.json': json({ scripts: { start: 'node server.js', test: 'node --test' } }),
      'server.js': nodeServer('process.env.PORT'),
      'server.test.js': nodeTest,
    },
    steps: ['test [] npm test', 'stage [test] -> staging'],
    starts: 'node server.js',
  },
  'a Node service without scripts': {
    tool: 'node',
    files: { 'package.json': json({ name: 'shop' }), 'index.js': nodeServer('process.env.PORT ?? 3000') },
    steps: ['check [] node --check index.js', 'stage [check] -> staging'],
    starts: 'node index.js',
  },
  'Express with bin/www': {
    tool: 'node',
    files: {
      'package.json': json({ scripts: { start: 'node ./bin/www' } }),
      'bin/www': `var port = normalizePort(process.env.PORT || '3000');\nfunction normalizePort(value) { return value; }\n${nodeServer('port')}`,
    },
    steps: ['stage [] -> staging'],
    starts: 'node bin/www',
  },
  'a Node service with another variable for its port': {
    tool: 'node',
    files: {
      'package.json': json({ scripts: { start: 'node --env-file=.env src/main.js' } }),
      'src/main.js': nodeServer('process.env.SERVER_PORT'),
    },
    steps: ['check [] node --check src/main.js', 'stage [check] -> staging'],
    starts: 'SERVER_PORT=$PORT node src/main.js',
  },
  'a Node service on a fixed port': {
    files: {
      'package.json': json({ scripts: { start: 'node server.js', test: 'node --test' } }),
      'server.js': `const DB_PORT = process.env.DB_PORT;\n${nodeServer('3000')}`,
    },
    steps: ['test [] npm test'],
    asks: /^server\.js:2 listens on port 3000\. Can it listen on the port in the variable PORT\?$/,
  },
  NestJS: {
    files: {
      ...npm(
        { '@nestjs/core': '11' },
        { build: 'nest build', start: 'nest start', 'start:prod': 'node dist/main', test: 'jest', lint: 'eslint .' },
      ),
      'tsconfig.json': '{"compilerOptions": {"outDir": "./dist"}}',
      'src/main.ts': 'await app.listen(process.env.PORT ?? 3000);\n',
      'src/health.ts': "@Get('/health')\n",
    },
    steps: [
      'install [] npm ci => node_modules/**',
      'lint [install] npm run lint',
      'build [install] npm run build => dist/**',
      'test [build] npm test',
      'stage [lint test] -> staging',
    ],
    starts: 'node dist/main',
  },
  'Vite served as static files': {
    files: {
      ...npm({ react: '19' }, { dev: 'vite', build: 'tsc -b && vite build', preview: 'vite preview' }),
      'package.json': json({ scripts: { build: 'tsc -b && vite build' }, devDependencies: { vite: '7' } }),
      'index.html': '<div id="root"></div>',
      'tsconfig.json': '{"files": [], "references": [{"path": "./tsconfig.app.json"}]}',
      'tsconfig.app.json': '{"compilerOptions": {"noEmit": true}}',
    },
    steps: ['install [] npm ci => node_modules/**', 'build [install] npm run build => dist/**', 'stage [build] -> staging'],
    starts: 'vite preview --host 127.0.0.1 --port $PORT --strictPort',
  },
  'Next.js': {
    files: npm({ next: '15' }, { build: 'next build', start: 'next start' }),
    steps: ['install [] npm ci => node_modules/**', 'build [install] npm run build => .next/**', 'stage [build] -> staging'],
    starts: 'next start --hostname 127.0.0.1 --port $PORT',
  },
  'Create React App': {
    files: npm({ 'react-scripts': '5' }, { start: 'react-scripts start', build: 'react-scripts build', test: 'react-scripts test' }),
    steps: [
      'install [] npm ci => node_modules/**',
      'build [install] npm run build => build/**',
      'test [build] npm test',
      'stage [test] -> staging',
    ],
    starts: 'python3 -m http.server "$PORT" --bind 127.0.0.1 --directory build',
  },
  Angular: {
    files: {
      ...npm({ '@angular/core': '20' }, { start: 'ng serve', build: 'ng build' }),
      'angular.json': '{"projects": {"shop": {"architect": {"build": {"builder": "@angular/build:application"}}}}}',
    },
    steps: ['install [] npm ci => node_modules/**', 'build [install] npm run build => dist/**', 'stage [build] -> staging'],
    starts: 'python3 -m http.server "$PORT" --bind 127.0.0.1 --directory dist/shop/browser',
  },
  'plain pages': {
    tool: 'python3',
    files: { 'public/index.html': '<p>Shop</p>' },
    steps: ['stage [] -> staging'],
    starts: 'python3 -m http.server "$PORT" --bind 127.0.0.1 --directory public',
  },
  'a Procfile': {
    tool: 'node',
    files: {
      Procfile: 'web: node web.js --verbose\nworker: node worker.js\n',
      'package.json': '{}',
      'web.js': nodeServer('process.env.PORT'),
    },
    steps: ['stage [] -> staging'],
    starts: 'node web.js --verbose',
  },
  'a Procfile of Python': {
    files: {
      Procfile: 'web: gunicorn shop:app --log-file -\n',
      'requirements.txt': 'gunicorn\nflask\n',
      'shop.py': 'app = Flask(__name__)\n',
    },
    steps: [
      `install [] python3 -m venv .venv && ${pythonInstall} -r requirements.txt => .venv/**`,
      "check [install] .venv/bin/python -m compileall -q -f -x '/[.]venv/' .",
      'stage [check] -> staging',
    ],
    starts: '.venv/bin/python -m gunicorn shop:app --log-file -',
  },
  'a Python service': {
    tool: 'python3',
    files: {
      'app.py':
        'import os\nfrom http.server import HTTPServer, SimpleHTTPRequestHandler\n\nif __name__ == "__main__":\n    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), SimpleHTTPRequestHandler).serve_forever()\n',
      'test_app.py': 'import unittest\n\nclass App(unittest.TestCase):\n    def test_adds(self):\n        self.assertEqual(1 + 1, 2)\n',
    },
    steps: ['test [] python3 -m unittest discover', 'stage [test] -> staging'],
    starts: 'python3 app.py',
  },
  'a Procfile of Go': {
    files: { Procfile: 'web: shop\n', 'go.mod': 'module shop\n', 'main.go': 'package main\n\nfunc main() {}\n' },
    steps: ['build [] go build -o bin/ ./... => bin/**', 'vet [] go vet ./...', 'stage [build vet] -> staging'],
    starts: './bin/shop',
  },
  Flask: {
    files: { 'requirements.txt': 'flask\n', 'app.py': 'from flask import Flask\n\napp = Flask(__name__)\n' },
    steps: [
      `install [] python3 -m venv .venv && ${pythonInstall} -r requirements.txt => .venv/**`,
      "check [install] .venv/bin/python -m compileall -q -f -x '/[.]venv/' .",
      'stage [check] -> staging',
    ],
    starts: '.venv/bin/python -m flask --app app run --host 127.0.0.1 --port $PORT',
  },
  'Flask with a factory and gunicorn': {
    files: {
      'requirements.txt': 'flask\ngunicorn\n',
      'shop/__init__.py': 'from flask import Flask\n\ndef create_app():\n    return Flask(__name__)\n',
    },
    steps: [
      `install [] python3 -m venv .venv && ${pythonInstall} -r requirements.txt => .venv/**`,
      "check [install] .venv/bin/python -m compileall -q -f -x '/[.]venv/' .",
      'stage [check] -> staging',
    ],
    starts: ".venv/bin/python -m gunicorn --bind 127.0.0.1:$PORT 'shop:create_app()'",
  },
  'FastAPI with uv': {
    files: {
      'pyproject.toml': '[project]\nname = "shop"\ndependencies = ["fastapi[standard]"]\n[dependency-groups]\ndev = ["pytest"]\n',
      'uv.lock': '',
      'app/main.py': 'from fastapi import FastAPI\n\napp = FastAPI()\n\n@app.get("/health")\ndef health(): ...\n',
      'tests/test_main.py': 'def test_main(): ...\n',
    },
    steps: [
      'install [] uv sync --locked',
      'test [install] uv run --no-sync python -m pytest --junitxml=reports/pytest.xml',
      'stage [test] -> staging',
    ],
    starts: 'uv run --no-sync python -m uvicorn app.main:app --host 127.0.0.1 --port $PORT',
    health: '/health',
  },
  'FastAPI with Poetry': {
    files: {
      'pyproject.toml': '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\nfastapi = "*"\nuvicorn = "*"\n',
      'poetry.lock': '',
      'src/shop/api.py': 'api = FastAPI()\n',
    },
    steps: [
      'install [] poetry install --no-interaction',
      "check [install] poetry run python -m compileall -q -f -x '/[.]venv/' .",
      'stage [check] -> staging',
    ],
    starts: 'poetry run python -m uvicorn shop.api:api --host 127.0.0.1 --port $PORT',
  },
  'Django with pipenv': {
    files: {
      Pipfile: '[packages]\ndjango = "*"\n',
      'Pipfile.lock': '{}',
      'manage.py': 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\nimport django\n',
      'shop/wsgi.py': 'application = get_wsgi_application()\n',
      'cart/tests.py': 'from django.test import TestCase\n',
    },
    steps: [
      'install [] PIPENV_VENV_IN_PROJECT=1 pipenv sync --dev',
      'test [install] .venv/bin/python manage.py test',
      'stage [test] -> staging',
    ],
    starts: '.venv/bin/python manage.py runserver --noreload 127.0.0.1:$PORT',
  },
  'Django with gunicorn': {
    files: {
      'requirements.txt': 'django\ngunicorn\n',
      'manage.py': 'import django\n',
      'shop/wsgi.py': 'application = get_wsgi_application()\n',
    },
    steps: [
      `install [] python3 -m venv .venv && ${pythonInstall} -r requirements.txt => .venv/**`,
      'check [install] .venv/bin/python manage.py check',
      'stage [check] -> staging',
    ],
    starts: '.venv/bin/python -m gunicorn --bind 127.0.0.1:$PORT shop.wsgi',
  },
  'a Go service': {
    tool: 'go',
    files: {
      'go.mod': 'module example.com/shop/v2\n\ngo 1.19\n',
      'main.go':
        'package main\n\nimport (\n\t"net/http"\n\t"os"\n)\n\nfunc main() {\n\thttp.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {})\n\tpanic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))\n}\n',
    },
    steps: ['build [] go build -o bin/ ./... => bin/**', 'vet [] go vet ./...', 'stage [build vet] -> staging'],
    starts: './bin/shop',
    health: '/healthz',
  },
  'a Go service with a flag for its address': {
    tool: 'go',
    files: {
      'go.mod': 'module shop\n\ngo 1.19\n',
      'cmd/shop/main.go':
        'package main\n\nimport (\n\t"flag"\n\t"net/http"\n)\n\nfunc main() {\n\taddr := flag.String("addr", ":8080", "address")\n\tflag.Parse()\n\tpanic(http.ListenAndServe(*addr, nil))\n}\n',
      'cmd/tool/main.go': 'package main\n\nfunc main() {}\n',
    },
    steps: ['build [] go build -o bin/ ./... => bin/**', 'vet [] go vet ./...', 'stage [build vet] -> staging'],
    starts: './bin/shop -addr 127.0.0.1:$PORT',
  },
  'Go with several programs that serve': {
    files: {
      'go.mod': 'module shop\n',
      'cmd/api/main.go': 'package main\n\nfunc main() { http.ListenAndServe(os.Getenv("PORT"), nil) }\n',
      'cmd/admin/main.go': 'package main\n\nfunc main() { http.ListenAndServe(os.Getenv("PORT"), nil) }\n',
    },
    steps: ['build [] go build -o bin/ ./... => bin/**', 'vet [] go vet ./...'],
    asks: /^which program serves: \.\/bin\/admin, \.\/bin\/api\?$/,
  },
  'Gin without an address': {
    files: {
      'go.mod': 'module shop\nrequire github.com/gin-gonic/gin v1\n',
      'main.go': 'package main\nimport "github.com/gin-gonic/gin"\nfunc main() { gin.Default().Run() }\n',
    },
    steps: ['build [] go build -o bin/ ./... => bin/**', 'vet [] go vet ./...', 'stage [build vet] -> staging'],
    starts: './bin/shop',
  },
  'a Rust service': {
    tool: 'cargo',
    files: {
      'Cargo.toml': '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/main.rs':
        'use std::net::TcpListener;\n\nfn main() {\n    let port = std::env::var("PORT").unwrap();\n    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();\n    for stream in listener.incoming() {\n        drop(stream);\n    }\n}\n\n#[test]\nfn adds() {}\n',
    },
    steps: ['build [] cargo build --release', 'test [build] cargo test', 'stage [test] -> staging'],
    starts: './target/release/shop',
  },
  Rocket: {
    files: {
      'Cargo.toml': '[package]\nname = "shop"\n[dependencies]\nrocket = "0.5"\n',
      'src/main.rs': '#[launch]\nfn rocket() -> _ { rocket::build() }\n',
    },
    steps: ['build [] cargo build --release', 'test [build] cargo test', 'stage [test] -> staging'],
    starts: 'ROCKET_PORT=$PORT ./target/release/shop',
  },
  'Spring Boot with Maven': {
    files: {
      'pom.xml':
        '<project><parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3</version></parent>\n<artifactId>shop</artifactId><version>1.0</version>\n<dependencies><dependency><artifactId>spring-boot-starter-actuator</artifactId></dependency></dependencies></project>',
      mvnw: '',
      'src/main/java/shop/Shop.java': '@SpringBootApplication\npublic class Shop { public static void main(String[] args) {} }\n',
    },
    steps: [
      'test [] sh mvnw --batch-mode test',
      'build [test] sh mvnw --batch-mode package -DskipTests => **/target/*.jar **/target/*.war',
      'stage [build] -> staging',
    ],
    starts: 'java -jar target/shop-1.0.jar --server.port=$PORT',
    health: '/actuator/health',
  },
  'Spring Boot with Gradle': {
    files: {
      'build.gradle.kts': 'plugins { id("org.springframework.boot") version "3" }\n',
      gradlew: '',
      'src/main/java/Shop.java': '@SpringBootApplication class Shop {}',
    },
    steps: [
      'test [] sh gradlew --no-daemon --console=plain test',
      'build [test] sh gradlew --no-daemon --console=plain bootJar => **/build/libs/**',
      'stage [build] -> staging',
    ],
    starts: 'java -jar build/libs/*.jar --server.port=$PORT',
  },
  'a project of Maven and Gradle': {
    files: {
      'pom.xml': '<project><parent><artifactId>spring-boot-starter-parent</artifactId></parent><artifactId>shop</artifactId></project>',
      'build.gradle': 'plugins { id "org.springframework.boot" }\n',
      'src/main/java/org/example/shop/deep/below/Shop.java': '@SpringBootApplication class Shop {}',
    },
    steps: [
      'test [] mvn --batch-mode test',
      'build [test] mvn --batch-mode package -DskipTests => **/target/*.jar **/target/*.war',
      'stage [build] -> staging',
    ],
    starts: 'java -jar target/*.jar --server.port=$PORT',
  },
  'a Java service without libraries': {
    tool: 'mvn',
    files: {
      'pom.xml':
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>\n<groupId>a</groupId><artifactId>shop</artifactId><version>1</version>\n<properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target></properties></project>',
      'src/main/java/shop/Shop.java':
        'package shop;\n\nimport com.sun.net.httpserver.HttpServer;\nimport java.net.InetSocketAddress;\n\npublic class Shop {\n  public static void main(String[] args) throws Exception {\n    int port = Integer.parseInt(System.getenv("PORT"));\n    HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0).start();\n  }\n}\n',
    },
    steps: [
      'test [] mvn --batch-mode test',
      'build [test] mvn --batch-mode package -DskipTests => **/target/*.jar **/target/*.war target/classes/**',
      'stage [build] -> staging',
    ],
    starts: 'java -cp target/classes shop.Shop',
  },
  '.NET': {
    files: {
      'Shop.sln': '',
      'Shop/Shop.csproj': '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>',
      'Tests/Tests.csproj': '<Project Sdk="Microsoft.NET.Sdk"><PackageReference Include="Microsoft.NET.Test.Sdk" /></Project>',
    },
    steps: [
      'build [] dotnet publish Shop/Shop.csproj --configuration Release --output publish => publish/**',
      'test [build] dotnet test Shop.sln',
      'stage [test] -> staging',
    ],
    starts: 'dotnet publish/Shop.dll --urls http://127.0.0.1:$PORT',
  },
  Rails: {
    files: {
      Gemfile: 'gem "rails"\n',
      'Gemfile.lock': '',
      'config/application.rb': '',
      'config/routes.rb': 'get "up" => "rails/health#show"\n',
      'test/test_helper.rb': '',
    },
    steps: ['install [] bundle install => vendor/bundle/**', 'test [install] bundle exec rails test', 'stage [test] -> staging'],
    starts: 'bundle exec rails server --binding 127.0.0.1 --port $PORT',
    health: '/up',
  },
  Rack: {
    files: { Gemfile: 'gem "puma"\n', 'config.ru': 'run App\n' },
    steps: ['install [] bundle install', 'stage [install] -> staging'],
    starts: 'bundle exec puma --bind tcp://127.0.0.1:$PORT',
  },
  PHP: {
    files: { 'composer.json': '{"require-dev": {"phpunit/phpunit": "11"}}', 'composer.lock': '{}', 'public/index.php': '<?php\n' },
    steps: [
      'install [] composer install --no-interaction --prefer-dist => vendor/**',
      'test [install] vendor/bin/phpunit --log-junit reports/phpunit.xml',
      'stage [test] -> staging',
    ],
    starts: 'php -S 127.0.0.1:$PORT -t public',
  },
  Laravel: {
    files: { 'composer.json': '{"scripts": {"post-autoload-dump": ["@php artisan x"]}}', artisan: '', 'public/index.php': '<?php\n' },
    steps: ['install [] composer install --no-interaction --prefer-dist', 'stage [install] -> staging'],
    starts: 'php artisan serve --host=127.0.0.1 --port=$PORT',
  },
  Deno: {
    files: { 'deno.json': '{"tasks": {"test": "deno test -A"}}', 'main.ts': 'export default { fetch: () => new Response("ok") };\n' },
    steps: ['check [] deno check main.ts', 'test [] deno task test', 'stage [check test] -> staging'],
    starts: 'deno serve --allow-all --host 127.0.0.1 --port $PORT main.ts',
  },
  Bun: {
    files: {
      'package.json': json({ scripts: { test: 'bun test' }, dependencies: { hono: '4' } }),
      'bun.lock': '{}',
      'index.ts': 'Bun.serve({ fetch: () => new Response("ok") });\n',
    },
    steps: ['install [] bun install --frozen-lockfile => node_modules/**', 'test [install] bun run test', 'stage [test] -> staging'],
    starts: 'bun index.ts',
  },
  'a compose file': {
    files: { 'compose.yaml': 'services:\n  web: {build: ., ports: ["8080:80"]}\n  db: {image: postgres}\n', Dockerfile: 'FROM nginx\n' },
    steps: ['stage [] -> staging'],
    starts: 'compose.yaml web',
  },
  'a compose file with a database beside a Node service': {
    files: {
      'compose.yaml': 'services:\n  web: {build: .}\n  db: {image: postgres}\n',
      'package.json': json({ scripts: { start: 'node server.js' } }),
      'server.js': nodeServer('process.env.PORT'),
    },
    steps: ['check [] node --check server.js', 'stage [check] -> staging'],
    starts: 'compose.yaml web',
  },
  'a Dockerfile alone': {
    files: { Dockerfile: 'FROM nginx\nEXPOSE 80\n' },
    steps: ['stage [] -> staging'],
    starts: 'compose.yaml',
  },
  'a Dockerfile without a port beside a service on a fixed port': {
    files: { Dockerfile: 'FROM node\n', 'package.json': json({ scripts: { start: 'node server.js' } }), 'server.js': nodeServer('3000') },
    steps: ['check [] node --check server.js', 'stage [check] -> staging'],
    starts: 'compose.yaml 3000',
  },
  'a compose file of images': {
    files: { 'compose.yaml': 'services:\n  db: {image: postgres}\n  blog: {image: wordpress, ports: ["80:80"]}\n' },
    steps: ['stage [] -> staging'],
    starts: 'compose.yaml blog',
  },
  'a compose file with the database of a service on a fixed port': {
    files: {
      'compose.yaml': 'services:\n  db: {image: postgres, ports: ["5432:5432"]}\n',
      'package.json': json({ scripts: { start: 'node server.js' } }),
      'server.js': nodeServer('3000'),
    },
    steps: ['check [] node --check server.js'],
    asks: /^server\.js:1 listens on port 3000/,
  },
  'a Dockerfile beside a service on a fixed port': {
    files: {
      Dockerfile: 'FROM node\nEXPOSE 3000\n',
      'package.json': json({ scripts: { start: 'node server.js' } }),
      'server.js': nodeServer('3000'),
    },
    steps: ['check [] node --check server.js', 'stage [check] -> staging'],
    starts: 'compose.yaml',
  },
  'a library': {
    files: npm({ a: '1' }, { test: 'mocha' }),
    steps: ['install [] npm ci => node_modules/**', 'test [install] npm test'],
    asks: /^no program that serves was found/,
  },
  'a Makefile': {
    files: { Makefile: '.PHONY: build test\nCC := cc\nbuild: a.o\n\tcc\nlint test:\n\ttrue\n' },
    steps: ['build [] make build', 'lint [build] make lint', 'test [lint] make test'],
    asks: /^no program that serves was found/,
  },
};
