//! What a proof consists of: its tables, FRI layers and bytes.
//! `cargo run --release -p cairo-prover --example anatomy -- PROGRAM PROOF [--args JSON]`.

use anyhow::Context as _;
use cairo_air::components::Context;
use cairo_air::{CairoProof, Statement};
use cairo_runner::{Arguments, RunnableProgram};
use clap::Parser;
use stark::Shape;
use std::path::PathBuf;

/// Shows what a proof consists of, without verifying it.
#[derive(Parser)]
struct Inputs {
    /// Compiled Cairo 0 program or Cairo 2 executable.
    program: PathBuf,
    /// The proof.
    proof: PathBuf,
    /// Arguments as JSON.
    #[arg(long)]
    args: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let inputs = Inputs::parse();
    let bytes = std::fs::read(&inputs.program).with_context(|| format!("cannot read {}", inputs.program.display()))?;
    let program = RunnableProgram::from_json(&bytes)?;
    let arguments = match &inputs.args {
        Some(text) => Arguments::from_json(text.as_bytes())?,
        None => Arguments::none(),
    };
    let file = std::fs::read(&inputs.proof).with_context(|| format!("cannot read {}", inputs.proof.display()))?;
    let proof = CairoProof::decode(&file)?;
    let statement =
        Statement { program: program.program().clone(), arguments: program.bind(&arguments)?, prover: [0; 32] };
    let tables = proof.layout.build(&statement.program, &proof.claim)?;

    let steps = proof.claim.n_steps as f64;
    println!(
        "{:<28} {:>6} {:>7} {:>12} {:>12} {:>10}",
        "table", "rows", "columns", "interactions", "constraints", "cells/step"
    );
    for (entry, table) in proof.layout.tables.iter().zip(&tables) {
        let context = Context { program: &statement.program, claim: &proof.claim, memory_start: 1 };
        let air = entry.kind.component().air(context)?;
        let cells = (air.width() as f64 + air.interactions().len() as f64 / 2.0) * table.height() as f64;
        println!(
            "{:<28} {:>6} {:>7} {:>12} {:>12} {:>10.2}",
            entry.kind.to_string(),
            format!("2^{}", entry.log_height),
            air.width(),
            air.interactions().len(),
            air.constraints().len(),
            cells / steps
        );
    }
    let shape = Shape::new(&tables, &proof.parameters);
    let element = 32;
    println!("\n{:<12} {:>5} {:>6} {:>9} {:>10}", "group", "main", "LogUp", "next row", "bytes");
    let mut rows = 0;
    for group in &shape.groups {
        let width = group.main_width + group.aux_width() + 2;
        let bytes = (width * shape.queries + group.openings()) * element;
        rows += bytes;
        println!(
            "{:<12} {:>5} {:>6} {:>9} {:>10}",
            format!("2^{}", group.log_height),
            group.main_width,
            group.aux_width(),
            group.next_columns.len(),
            bytes
        );
    }
    println!("\n{:<12} {:>5} {:>10}", "FRI layer", "arity", "values B");
    for fold in &shape.folds {
        let values = ((1 << fold.log_arity) - 1) * shape.queries * element;
        println!("{:<12} {:>5} {:>10}", format!("2^{}", fold.log_size), 1 << fold.log_arity, values);
        rows += values;
    }
    println!("\n{} bytes: {rows} of values, {} of Merkle paths, caps and the rest", file.len(), file.len() - rows);
    Ok(())
}
