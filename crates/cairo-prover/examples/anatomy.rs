//! What a proof consists of: its tables, FRI layers and bytes.
//! `cargo run --release -p cairo-prover --example anatomy -- PROGRAM PROOF [--args JSON]`.

use anyhow::Context as _;
use cairo_air::components::Context;
use cairo_air::{Built, CairoProof, DisclosedTable, Statement};
use cairo_runner::{Arguments, RunnableProgram};
use clap::Parser;
use stark::Shape;
use stark::shape::{QUOTIENT_CHUNKS, distinct};
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
    let statement = Statement::single(program.program().clone(), program.bind(&arguments)?, [0; 32]);
    let Built { tables, disclosed } = proof.layout.build(&statement.program, &proof.claim)?;

    let steps = proof.claim.total_steps() as f64;
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
    println!("\n{:<60} {:>6} {:>7} {:>10}", "disclosed", "rows", "columns", "bytes");
    for table in &proof.layout.disclosed {
        let (kind, bytes) = (table.kind.to_string(), table.encoded_len());
        println!("{kind:<60} {:>6} {:>7} {bytes:>10}", table.rows(), table.width);
    }
    println!("{} bus terms", disclosed.len());

    let shape = Shape::new(&tables, &proof.parameters);
    let stark = stark::Proof::decode(&proof.stark, &shape)?;
    let values = print_groups(&shape, &stark) + print_folds(&shape, &stark);
    let openings = [&stark.main, &stark.lookup, &stark.quotient].map(|opening| &opening.path);
    let paths: usize = openings.into_iter().chain(stark.folds.iter().map(|opening| &opening.path)).map(Vec::len).sum();
    let disclosed: usize = proof.layout.disclosed.iter().map(DisclosedTable::encoded_len).sum();
    let rest = file.len() - values - paths * WORD - disclosed;
    println!(
        "\n{} bytes: {values} of values, {} of Merkle paths, {disclosed} of disclosed rows, {rest} of caps and the rest",
        file.len(),
        paths * WORD
    );
    Ok(())
}

/// Bytes of an element or a digest.
const WORD: usize = 32;

/// Prints the groups; the bytes of their values at the query indices and out of the domain.
fn print_groups(shape: &Shape, proof: &stark::Proof) -> usize {
    println!("\n{:<12} {:>5} {:>6} {:>9} {:>5} {:>10}", "group", "main", "LogUp", "next row", "rows", "values B");
    let mut all = 0;
    for group in &shape.groups {
        let width = group.main_width + group.aux_width() + QUOTIENT_CHUNKS;
        let rows = distinct(&proof.indices, shape.log_lde(group)).len();
        let bytes = (width * rows + group.openings()) * WORD;
        all += bytes;
        println!(
            "{:<12} {:>5} {:>6} {:>9} {rows:>5} {bytes:>10}",
            format!("2^{}", group.log_height),
            group.main_width,
            group.aux_width(),
            group.next_columns.len(),
        );
    }
    println!(
        "\nMerkle path of main columns {}, LogUp columns {}, quotients {} digests",
        proof.main.path.len(),
        proof.lookup.path.len(),
        proof.quotient.path.len()
    );
    all
}

/// Prints the FRI layers; the bytes of their values.
fn print_folds(shape: &Shape, proof: &stark::Proof) -> usize {
    println!("\n{:<12} {:>5} {:>6} {:>10} {:>12}", "FRI layer", "arity", "leaves", "values B", "path digests");
    let mut all = 0;
    for (fold, opening) in shape.folds.iter().zip(&proof.folds) {
        let bytes = opening.siblings.iter().map(Vec::len).sum::<usize>() * WORD;
        all += bytes;
        println!(
            "{:<12} {:>5} {:>6} {bytes:>10} {:>12}",
            format!("2^{}", fold.log_size),
            1 << fold.log_arity,
            opening.siblings.len(),
            opening.path.len()
        );
    }
    all
}
