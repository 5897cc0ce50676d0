//! A file of arguments, which the examples `prove` and `verify` share.

use anyhow::Context as _;
use cairo_runner::Arguments;
use std::path::Path;

/// One set of arguments as JSON a line, of the first `limit` lines.
pub fn arguments(path: &Path, limit: Option<usize>) -> anyhow::Result<Vec<Arguments>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line): (usize, &str)| {
        Arguments::from_json(line.as_bytes()).with_context(|| format!("line {} of {}", number + 1, path.display()))
    };
    let arguments = lines.take(limit.unwrap_or(usize::MAX)).map(read).collect::<anyhow::Result<Vec<_>>>()?;
    anyhow::ensure!(!arguments.is_empty(), "{} has no line with arguments", path.display());
    Ok(arguments)
}
