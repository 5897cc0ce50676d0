//! Writes each project's `expected.json`, from the computations in this crate and not from Cairo.

fn main() -> std::io::Result<()> {
    for project in programs::ALL {
        let path = project.path("expected.json");
        let runs = project.expected()?;
        let lines: Vec<_> = runs.as_array().into_iter().flatten().map(ToString::to_string).collect();
        std::fs::write(&path, format!("[\n  {}\n]\n", lines.join(",\n  ")))?;
        println!("{}", path.display());
    }
    Ok(())
}
