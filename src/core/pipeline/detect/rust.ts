import type { Found, FoundServer } from './found';
import { healthPathIn, type ProjectFolder } from './project';

/** Cargo itself skips up-to-date builds, so the build step has no inputs. */
export function detectRust(project: ProjectFolder): Found | undefined {
  if (!project.has('Cargo.toml')) return undefined;
  const locked = project.has('Cargo.lock') ? ' --locked' : '';
  const members = project.has('Cargo.toml') && /^\[workspace\]/m.test(project.text('Cargo.toml')) ? ' --workspace' : '';
  const server = serverOf(project);
  return {
    label: 'Rust',
    prefix: 'rust',
    steps: [
      { name: 'build', run: `cargo build${server ? ' --release' : ''}${locked}${members}` },
      { name: 'test', needs: ['build'], run: `cargo test${locked}${members}`, inputs: ['**'] },
    ],
    server,
  };
}

function serverOf(project: ProjectFolder): FoundServer | undefined {
  const manifest = project.text('Cargo.toml');
  const main = 'src/main.rs';
  if (!/env::var(_os)?\("PORT"\)/.test(project.text(main)) || /^\[\[bin\]\]/m.test(manifest)) return undefined;
  const name = /^\[package\][^[]*?^name\s*=\s*"([\w-]+)"/m.exec(manifest)?.[1];
  return name === undefined ? undefined : { command: `./target/release/${name}`, health: healthPathIn(project.text(main)) };
}
