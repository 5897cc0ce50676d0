//! Ranges, and honest runs whose values stand in tables of their own.

use super::*;

pub fn small(value: u64) -> Felt {
    Felt::from(value)
}

pub fn two(bits: u64) -> Felt {
    small(2).pow(bits)
}

pub fn wide(value: u128) -> Felt {
    small(value as u64) + small((value >> 64) as u64) * two(64)
}

pub fn range(bits: u8, width: u8, offset: u128) -> Range {
    Range::new(bits, width, offset).unwrap()
}

/// The highest values of that many bits below 2^128.
pub fn high(bits: u8, width: u8) -> Range {
    range(bits, width, u128::MAX - ((1 << width) - 1))
}

/// Number of checked cells. The first two hold 0 and 1.
pub const CELLS: usize = 15;

/// What the checked cells hold from the third on, in runs to be changed: numbers that stand nowhere else.
pub fn marks() -> [u128; CELLS] {
    std::array::from_fn(|k| match k {
        0 | 1 => k as u128,
        _ => (k as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 20,
    })
}

pub fn segment_of(run: &Execution) -> Segment {
    let segment = run.segments[&Builtin::RangeCheck];
    Segment { base: segment.base, stop: segment.stop }
}

/// The run of range_check_edges with other constants. They decide nothing, so the registers are the same.
pub fn run(values: [u128; CELLS]) -> Execution {
    let mut run = execution("cairo0/range_check_edges", None);
    let Segment { base, stop } = segment_of(&run);
    // Some builds of cairo-vm leave empty segments after the last one.
    run.memory.truncate(stop as usize);
    let base = base as usize;
    let constants: Vec<Felt> = run.memory[base + 2..base + CELLS].to_vec();
    let other = |word: &Felt| match constants.iter().position(|constant| constant == word) {
        Some(k) => wide(values[k + 2]),
        None => *word,
    };
    run.memory = run.memory.iter().map(other).collect();
    let words = run.program.bytecode().iter().map(other).collect();
    run.program = Program::new(words, run.program.builtins().to_vec(), run.program.arguments()).unwrap();
    run
}

/// All steps in the generic table but one, which pushes the constant 0: its row owns the cell.
pub fn steps(execution: &Execution) -> Vec<StepTable> {
    let pushes = |pair: &[cairo_execution::Registers]| {
        pair[1].ap == pair[0].ap + 1
            && pair[1].pc == pair[0].pc + 2
            && execution.memory[pair[0].ap as usize] == Felt::zero()
    };
    let step = execution.trace.windows(2).position(pushes).unwrap();
    let path = Path {
        pc: execution.trace[step].pc,
        frame: None,
        steps: 1,
        taken: Vec::new(),
        targets: Vec::new(),
        returns: Vec::new(),
        owned: vec![0],
    };
    let mut steps = all_generic(execution);
    steps[0].starts.retain(|start| *start as usize != step);
    steps.push(StepTable { kind: TableKind::Path(path), log_height: 6, starts: vec![step as u32] });
    steps
}

pub fn witness_of(values: [u128; CELLS]) -> Witness {
    let execution = run(values);
    let steps = steps(&execution);
    witness(execution, [7; 32], steps, 0, &NoControl).unwrap()
}

pub fn marked() -> &'static Witness {
    static MARKED: OnceLock<Witness> = OnceLock::new();
    MARKED.get_or_init(|| witness_of(marks()))
}

/// Ranges for all kinds of values, with one or several limbs, excess and offset.
pub fn all_ranges() -> [Range; 9] {
    [
        range(8, 1, 0),
        range(8, 128, 0),
        range(12, 128, 0),
        range(12, 116, 1 << 127),
        range(16, 120, 0),
        high(8, 8),
        high(8, 4),
        high(12, 40),
        high(16, 120),
    ]
}

/// A value for each checked cell and a table for it.
pub fn mixed() -> ([u128; CELLS], [Range; CELLS]) {
    let top = u128::MAX;
    let ranges = [range(8, 1, 0), range(8, 8, 0), range(12, 20, 5), high(8, 8), high(8, 4), high(12, 40), high(8, 127)];
    let all = range(8, 128, 0);
    let values = [
        (0, ranges[0]),
        (1, ranges[1]),
        (5, ranges[2]),
        (4 + (1 << 20), ranges[2]),
        (top, ranges[3]),
        (top - 255, ranges[3]),
        (top, ranges[4]),
        (top - 15, ranges[4]),
        (top - (1 << 39), ranges[5]),
        (top - (1 << 40) + 1, ranges[5]),
        (1 << 127, ranges[6]),
        (top, ranges[6]),
        (0, all),
        (top, all),
        (top >> 1, all),
    ];
    (values.map(|(value, _)| value), values.map(|(_, range)| range))
}

/// Cells of a run in tables of different ranges.
pub fn in_tables(values: [u128; CELLS], ranges: [Range; CELLS]) -> Forger {
    let mut forger = Forger::new(&values.map(wide));
    for range in ranges.into_iter().collect::<BTreeSet<_>>() {
        let rows: Vec<Row> = (0..CELLS)
            .filter(|k| ranges[*k] == range)
            .map(|k| {
                assert!(range.contains(values[k]), "{range}: {}", values[k]);
                row(range, forger.address(k), wide(values[k]))
            })
            .collect();
        forger.add_range(range, &rows);
    }
    forger
}
