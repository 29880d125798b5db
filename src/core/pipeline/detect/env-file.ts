import { execGit } from '../../git/git';
import type { ProjectFolder } from './project';

const loads =
  /\bdotenv\b|--env-file|load_dotenv|godotenv|dotenvy|env_file\s*=|read_env\(|ConfigModule\.forRoot|Dotenv\\|Dotenv::|DotNetEnv|spring-dotenv|envFile|loadEnvFile/;

/** Returns the file with variables that the code loads and that git ignores, so that a release lacks it. Undefined if there is none. */
export async function readsEnvFile(project: ProjectFolder): Promise<{ file: string; isPresent: boolean } | undefined> {
  const file = '.env';
  const sources = project.sources(/\.([cm]?[jt]sx?|py|go|rs|rb|php|java|kt|cs)$|(^|\/)(package\.json|pyproject\.toml|requirements\.txt|Gemfile|go\.mod|Cargo\.toml|composer\.json)$/); // prettier-ignore
  const isLoaded = project.matching(sources, loads).length > 0;
  if (!isLoaded) return undefined;
  if (!project.has(file)) return project.first('.env.example', '.env.sample', '.env.template', '.env.dist', 'example.env') === undefined ? undefined : { file, isPresent: false }; // prettier-ignore
  const ignored = await execGit(['check-ignore', '-q', file], { folder: project.folder });
  return ignored.ok ? { file, isPresent: true } : undefined;
}
