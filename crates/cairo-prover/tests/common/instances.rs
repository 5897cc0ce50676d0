//! Runs whose bitwise instances stand in row tables of any size.

use cairo_air::components::Path;
use cairo_air::components::bitwise_row::{BitwiseRow, CELLS};
use cairo_air::{Builtin, Segment, TableKind};
use cairo_execution::Execution;
use cairo_prover::planner::Assignment;
use cairo_prover::planner::builtins::bitwise_rows::Instances;
use cairo_prover::prove::all_generic;
use cairo_prover::witness::build;
use cairo_prover::{StepTable, Witness, table_size};
use felt::{Felt, encoding};
use stark::NoControl;

pub fn segment_of(run: &Execution) -> Segment {
    let segment = run.segments[&Builtin::Bitwise];
    Segment { base: segment.base, stop: segment.stop }
}

pub fn row(bits: u8, limbs: u8, owned: Option<[u8; CELLS]>) -> BitwiseRow {
    BitwiseRow::new(bits, limbs, owned).unwrap()
}

/// All instances in one table, but the second in one of the largest size: its inputs may be larger in these runs.
pub fn classes(run: &Execution, bits: u8, limbs: u8, owned: bool) -> Vec<Instances> {
    let Segment { base, stop } = segment_of(run);
    let owned = owned.then_some([0; CELLS]);
    let most = if bits == 4 { 63 } else { 32 };
    let fits = |address: &u32| {
        let width = u64::from(row(bits, limbs, None).width());
        let bits_of = |cell: &Felt| {
            8 * 32
                - encoding::to_canonical_be(cell)
                    .iter()
                    .fold((0, true), |(zeros, all), byte| {
                        let more = if all { byte.leading_zeros() as u64 } else { 0 };
                        (zeros + more, all && *byte == 0)
                    })
                    .0
        };
        run.memory[*address as usize..][..2].iter().all(|cell| bits_of(cell) <= width)
    };
    let (narrow, wide): (Vec<u32>, Vec<u32>) = (base..stop).step_by(CELLS).partition(fits);
    let made = |limbs, addresses: Vec<u32>| Instances {
        row: row(bits, limbs, owned),
        log_heights: vec![table_size::log_height(addresses.len() as u64)],
        addresses,
    };
    [(limbs, narrow), (most, wide)]
        .into_iter()
        .filter(|(_, addresses)| !addresses.is_empty())
        .map(|(limbs, addresses)| made(limbs, addresses))
        .collect()
}

/// All steps in the generic table but the first that pushes: its row owns the cell.
pub fn steps(run: &Execution) -> Vec<StepTable> {
    let mut steps = all_generic(run);
    for step in 0..run.n_steps() {
        let [before, after] = [run.trace[step], run.trace[step + 1]];
        let path = Path {
            pc: before.pc,
            frame: None,
            steps: 1,
            taken: Vec::new(),
            targets: Vec::new(),
            returns: Vec::new(),
            owned: vec![0],
        };
        if after.ap == before.ap + 1 && path.rows(&run.program).is_ok() {
            let same = |at: &u32| run.trace[*at as usize].pc == before.pc;
            let starts: Vec<u32> = steps[0].starts.iter().copied().filter(same).collect();
            steps[0].starts.retain(|at| !same(at));
            let log_height = table_size::log_height(starts.len() as u64);
            steps.push(StepTable { kind: TableKind::Path(path), log_height, starts });
            return steps;
        }
    }
    panic!("no push");
}

/// A witness with these row tables. If they own their cells, all cells below the segment's end have owners.
pub fn witness_with(run: &Execution, classes: Vec<Instances>, prover: [u8; 32]) -> Witness {
    let owned = classes[0].row.owned().is_some();
    let run = run.clone();
    let segment = segment_of(&run);
    let steps = if owned { steps(&run) } else { all_generic(&run) };
    let mut assignment = Assignment::new(&run, steps).unwrap();
    if owned {
        let cover = &mut assignment.cover;
        assert!(cover.owned_end >= segment.stop, "{cover:?}");
        let cut = |[base, stop]: &[u32; 2]| {
            let below = [*base, (*stop).min(segment.base)];
            let above = [(*base).max(segment.stop), *stop];
            [below, above].into_iter().filter(|[base, stop]| base < stop).collect::<Vec<_>>()
        };
        cover.rest = cover.rest.iter().flat_map(cut).collect();
    }
    assignment.cover.instances = classes;
    build(run, prover, assignment, 0, &NoControl).unwrap()
}
