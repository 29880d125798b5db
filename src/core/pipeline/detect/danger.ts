import type { ProjectFolder } from './project';

/** Programs that start another program, and so precede the name of a command. */
const wrappers = String.raw`\b(?:then|do|else|exec|env|npx(?: -y| --yes)?|bunx|uvx|pnpx|xargs|time|nohup|command|timeout \S+|retry|cross-env|concurrently|dotenv(?: --)?|(?:pnpm|npm|yarn|bundle|composer|poetry|bun|deno) exec(?: --)?|(?:poetry|uv|pipenv|pdm|hatch|rye|pipx|conda|bun|mise|devbox|nix) run|(?:yarn|pnpm) dlx|yarn|pnpm|bun x|python[\d.]* -m)\b|!`;
const at = String.raw`(?:^|[\n;&|({\x60"'@]|${wrappers})\s*(?:[A-Za-z_]\w*=\S*\s+)*(?:[\w./~-]*/)?`;
const program = (names: string, more = String.raw`(?=[\s;&|)"']|$)`): RegExp => new RegExp(`${at}(?:${names})${more}`, 'm');
const outside = String.raw`["']?(?:~|/(?!dev/(?:null|stdout|stderr|tty)\b)|\.\.(?:/|\s|$)|\$[{(]?[A-Za-z_]|[A-Za-z]:\\)`;

/** The kinds of commands that a first `delivery.yaml` never runs. */
const dangers: readonly (readonly [reason: string, ...signs: RegExp[]])[] = [
  ['uses the rights of another user', program('sudo|doas|su|runas|pkexec')],
  [
    'deploys',
    program(
      'kubectl|kubectx|helm|helmfile|kustomize|argocd|flux|oc|terraform|terragrunt|tofu|pulumi|cdk|sam|cdktf|ansible[\\w-]*|vagrant|packer',
    ),
    program(
      'aws|gcloud|gsutil|bq|az|azd|doctl|heroku|vercel|now|netlify|firebase|wrangler|fly|flyctl|railway|render|surge|gh-pages|eas|eb|cf|ibmcloud|oci|linode-cli|hcloud',
    ),
    program(
      'serverless|sls|zappa|chalice|up|cap|fab|shipit|kamal|dokku|caprover|pm2|copilot|nomad|skaffold|tilt|werf|ecs-cli|balena|expo|fastlane',
    ),
    program('ssh|scp|sftp|rsync|ftp|lftp|ncftpput|s3cmd|rclone|mc|sshpass|telnet'),
    /\b(?:mvnw?(?:\.cmd)?\b[^\n;&|]*\s(?:deploy|release:\S+|install:install-file)|wagon:\S+|cargo:redeploy|gcloud|appengine:\S+)\b/,
    /\b(?:artisan|php|rake|rails|mix|nx|turbo|lerna|ng|make|npm run|yarn|pnpm)\s+(?:run\s+)?[\w:-]*\bdeploy\b/,
  ],
  [
    'publishes',
    program(
      'npm|yarn|pnpm|bun|lerna|deno|jsr|cargo|poetry|uv|hatch|flit|pdm|changeset|vsce|ovsx|clean-publish|gem|dart|flutter',
      String.raw`\s+(?:[\w-]+\s+)?(?:publish|unpublish|push|deprecate|dist-tag|yank)\b`,
    ),
    program(
      'semantic-release|release-it|standard-version|np|twine|goreleaser|git-cliff|bump2version|bumpversion|bump-my-version|gh|hub|glab|jreleaser|auto|dpl|codecov|coveralls|snapcraft',
    ),
    program('changeset|npm|yarn|pnpm|cargo|poetry', String.raw`\s+(?:version|release|tag)\b`),
    program(
      'git',
      String.raw`\s+(?:-\S+\s+\S+\s+)*(?:push|tag|commit|merge|rebase|reset|clean|checkout|switch|remote|am|cherry-pick|send-email|config|stash|branch\s+-[dD])\b`,
    ),
    /\bgradlew?\b[^\n;&|]*\b(?:\w*[pP]ublish\w*|upload\w*|bintray\w*|release|jib|dockerPush\w*)\b/,
    /\bdotnet\s+nuget\s+push\b|\bnuget\s+push\b|\bdocker:(?:push|build)\b|\bjib:\w+/,
  ],
  [
    'uses containers',
    program(
      'docker|podman|nerdctl|buildah|buildx|skopeo|img|crane|oras|cosign|ko|jib|pack|kaniko|docker-compose|podman-compose|lima|colima',
    ),
  ],
  [
    'installs programs outside the project',
    /\b(?:npm|pnpm|yarn|bun)\b[^\n;&|]*\s(?:-g|--global|--location[= ]global|global)\b/,
    program(
      'apt|apt-get|aptitude|dpkg|yum|dnf|rpm|apk|pacman|zypper|brew|port|choco|scoop|winget|snap|flatpak|nix-env|conda|mamba|asdf|mise|nvm|rustup|sdk|pyenv|rbenv|corepack|pipx|easy_install|nvs|volta|fnm|xcode-select|softwareupdate|msiexec',
    ),
    program('gem|cargo|go', String.raw`\s+install\b`),
    program(
      String.raw`pip[\d.]*|python[\d.]*\s+-m\s+pip|uv\s+pip|uv\s+tool|dotnet\s+tool|composer\s+global|deno`,
      String.raw`\s+(?:install\b|[^\n;&|]*--system\b|require\b)`,
    ),
    /\b(?:curl|wget|fetch|iwr|irm)\b[^\n]*\|\s*(?:\S*\/)?(?:env\s+)?(?:ba|z|da|k)?(?:sh|python\d?|node|perl|ruby|iex)\b|\b(?:bash|sh|zsh|source|eval|\.)\s+["']?(?:<\(|\$\(|`)\s*(?:curl|wget)/,
    /\bmake\b[^\n;&|]*\s(?:un)?install\b/,
  ],
  [
    'changes this machine',
    program(
      'systemctl|service|launchctl|crontab|at|kill|killall|pkill|fuser|shutdown|reboot|halt|poweroff|mount|umount|mkfs\\S*|fdisk|useradd|usermod|adduser|userdel|groupadd|passwd|visudo|iptables|ufw|nft|sysctl|modprobe|chsh|update-alternatives|ldconfig|hostname|setx|reg|netsh|sc|defaults|dscl|ssh-add|ssh-keyscan|ssh-keygen|ssh-agent|gpg|security|keytool|update-ca-certificates',
    ),
    program(
      'npm|yarn|pnpm|pip|composer|bundle|poetry|uv',
      String.raw`\s+(?:config\s+(?:set|delete|edit)|set|login|logout|adduser|add-user|token|owner|link)\b`,
    ),
    /\bnpmrc\b|\.netrc\b|\.ssh\b|\.aws\b|\.kube\b|\.docker\/config|\bid_rsa\b|\bid_ed25519\b|authorized_keys|known_hosts|\.gitconfig\b|\.bashrc\b|\.profile\b|\.zshrc\b|\.pypirc\b/,
    program('dd|shred|wipefs|truncate|chown|chgrp|mkfifo|mknod|eval|history'),
    /:\(\)\s*\{/,
  ],
  [
    'changes a database',
    /\bprisma\s+(?:migrate|db)\b|\b(?:knex|sequelize(?:-cli)?|typeorm\S*|mikro-orm|drizzle-kit|flyway|liquibase|dbmate|goose|alembic|diesel|sqlx|atlas|db-migrate|node-pg-migrate|migrate|migrate-mongo)\s+\S*(?:migrat|push|up|down|drop|create|reset|revert|run|latest|rollback|database|sync|upgrade|downgrade|update|seed|apply)/,
    /\b(?:rails|rake|bundle exec \w+|artisan|doctrine\S*|mix|manage\.py|flask)\s+(?:db:|migrate|flush|dropdb|ecto\.|db\s+\w|loaddata|doctrine:)/,
    program('psql|mysql|mysqladmin|mongosh?|mongorestore|redis-cli|dropdb|createdb|pg_restore|sqlcmd|cqlsh|influx'),
  ],
  [
    'writes outside the checkout',
    new RegExp(String.raw`>{1,2}\|?\s*${outside}`, 'm'),
    program(
      String.raw`rm|rmdir|mv|cp|ln|mkdir|touch|tee|install|unzip|tar|chmod|find|sed|rimraf|del|rd|robocopy|xcopy|shx|cpy|cpx|ncp|copyfiles|del-cli|mkdirp`,
      String.raw`\b[^\n;&|]*\s${outside}`,
    ),
    program('find', String.raw`[^\n;|]*\s-(?:delete|exec\S*)\b[^\n]*\brm\b|[^\n;|]*\s/[^\n;|]*-delete`),
    program('curl|wget|tar|unzip', String.raw`\b[^\n;&|]*\s(?:-\w*[oOCdP]|--output|--directory|--directory-prefix)[= ]?\s*${outside}`),
    new RegExp(String.raw`${at}(?:cd|pushd)\s+["']?(?:~|/|\$[{(]?[A-Za-z_])`, 'm'),
    /\bgit\s+clone\b/,
    /--(?:out-?dir|outfile|output|dest(?:ination)?|prefix)[= ]["']?(?:~|\/|\$[{(]?HOME)/,
  ],
  [
    'sends a request to another system',
    program(
      'curl|wget|http|https|httpie|nc|ncat|socat|mail|sendmail|slack\\S*|newman|k6|artillery|sentry-cli|sonar-scanner|snyk|bugsnag\\S*|datadog-ci|newrelic|honeybadger',
    ),
  ],
  [
    'reads a variable that only a CI service sets',
    /(?:\$[{(]?(?:env:)?|%|process\.env\.|environ(?:\.get)?[[(]["'])(?:CI_\w+|GITHUB_\w+|GITLAB_\w+|RUNNER_\w+|ACTIONS_\w+|BITBUCKET_\w+|TRAVIS(?:_\w+)?|CIRCLE(?:CI|_\w+)|BUILDKITE(?:_\w+)?|APPVEYOR\w*|DRONE_\w+|TEAMCITY_\w+|JENKINS_\w+|BUILD_(?:NUMBER|ID|TAG|URL|SOURCES?\w*|ARTIFACT\w*|REPOSITORY\w*|BUILDID)|JOB_(?:NAME|URL)|WORKSPACE|BRANCH_NAME|CHANGE_ID|GIT_(?:BRANCH|COMMIT|URL)|SYSTEM_\w+|AGENT_\w+|NODE_NAME|NODE_AUTH_TOKEN|NPM_TOKEN|DOCKER_\w+|AWS_\w+|AZURE_\w+|GCP_\w+|GOOGLE_\w+|KUBE\w*|HEROKU_\w+|VERCEL_\w+|NETLIFY_\w+|CODECOV_\w+|SONAR_\w+|GH_\w+|\w*(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_KEY|CREDENTIALS))\b/,
    /\$\{\{/,
  ],
];

/** Returns the reason why a first `delivery.yaml` must not run a command, or undefined for a command that stays in the checkout. */
export function dangerOf(command: string): string | undefined {
  const joined = command.replace(/\\\r?\n/g, ' ');
  return dangers.find(([, ...signs]) => signs.some((sign) => sign.test(joined)))?.[0];
}

/** Returns the text of a command and of the shell scripts of the project that it starts. */
export function withScripts(command: string, project: ProjectFolder): string {
  const scripts = [...command.matchAll(/[\w./-]+\.(?:sh|bash|zsh)\b/g)].map(([file]) => project.text(file.replace(/^\.\//, '')));
  return [command, ...scripts].join('\n');
}
