//! Where compilers are looked for.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The process's surroundings, as far as they tell where compilers are.
#[derive(Debug, Clone, Default)]
pub struct Places {
    variables: HashMap<&'static str, OsString>,
    executable: Option<PathBuf>,
    current: Option<PathBuf>,
}

const VARIABLES: [&str; 7] =
    ["PATH", "HOME", "CAIRO_COMPILE", "CAIRN_COMPILE_CAIRO2", "CAIRO_CORELIB", "SCARB", "SCARB_CACHE"];

impl Places {
    /// Those of this process.
    pub fn of_process() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| (name, value));
        Self {
            variables: VARIABLES.into_iter().filter_map(variable).collect(),
            executable: std::env::current_exe().ok(),
            current: std::env::current_dir().ok(),
        }
    }

    /// Given ones, for tests.
    #[cfg(test)]
    pub(super) fn given(
        variables: impl IntoIterator<Item = (&'static str, OsString)>,
        executable: Option<&Path>,
        current: Option<&Path>,
    ) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            executable: executable.map(Path::to_owned),
            current: current.map(Path::to_owned),
        }
    }

    /// The path in an environment variable.
    pub(super) fn named(&self, variable: &str) -> Option<PathBuf> {
        self.variables.get(variable).map(PathBuf::from)
    }

    /// A program in a folder of `PATH`.
    pub(super) fn on_path(&self, program: &str) -> Option<PathBuf> {
        let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        std::env::split_paths(self.variables.get("PATH")?)
            .map(|folder| folder.join(&name))
            .find(|path| is_program(path))
    }

    /// A program in this program's own folder.
    pub(super) fn beside_executable(&self, program: &str) -> Option<PathBuf> {
        let path = self.executable.as_ref()?.with_file_name(format!("{program}{}", std::env::consts::EXE_SUFFIX));
        is_program(&path).then_some(path)
    }

    /// A path as it is from the root.
    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        match &self.current {
            Some(current) => current.join(path),
            None => path.to_owned(),
        }
    }

    /// A program below the current folder, the source's folder, or a folder above either.
    pub(super) fn above(&self, source: &Path, program: &str) -> Option<PathBuf> {
        let absolute = self.absolute(source);
        let starts = self.current.iter().flat_map(|folder| folder.ancestors()).chain(absolute.ancestors().skip(1));
        starts.map(|folder| folder.join(program)).find(|path| is_program(path))
    }

    /// Scarb's cache.
    pub(super) fn scarb_cache(&self) -> Option<PathBuf> {
        self.named("SCARB_CACHE").or_else(|| {
            let below = if cfg!(target_os = "macos") { "Library/Caches/com.swmansion.scarb" } else { ".cache/scarb" };
            Some(self.named("HOME")?.join(below))
        })
    }
}

fn is_program(path: &Path) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let executable = true;
    metadata.is_file() && executable
}
