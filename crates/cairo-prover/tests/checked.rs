//! The native check of an execution takes exactly what can be proven.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use cairo_air::Builtin;
use cairo_execution::Segment;
use common::agree::{Verdict, compare, damage};
use common::execution;
use common::random::Random;
use felt::Felt;

/// Programs of few steps that together use every kind of instruction, each builtin, code outside the program and arguments.
const SMALL: [(&str, Option<&str>); 24] = [
    ("cairo0/args3", Some(r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#)),
    ("cairo0/alloc_segments", None),
    ("cairo0/bitwise_edges", None),
    ("cairo0/bitwise_unread", None),
    ("cairo0/builtins_unused", None),
    ("cairo0/code_in_data", None),
    ("cairo0/computed_jump", None),
    ("cairo0/empty_main", None),
    ("cairo0/label_data", None),
    ("cairo0/memory_holes", None),
    ("cairo0/op_add_ap", None),
    ("cairo0/op_assert_add", None),
    ("cairo0/op_assert_eq", None),
    ("cairo0/op_assert_mul", None),
    ("cairo0/op_call_ret", None),
    ("cairo0/op_encoded", None),
    ("cairo0/op_encoded_calls", None),
    ("cairo0/op_far_offsets", None),
    ("cairo0/op_jmp", None),
    ("cairo0/op_jnz", None),
    ("cairo0/output_backwards", None),
    ("cairo0/range_check_edges", None),
    ("cairo0/range_check_math", None),
    ("bench/fib_tiny", None),
];

/// Compares on `rounds` damaged copies of each program's run, with up to three alterations each; what became of them.
fn on_random_damage(rounds: u64) -> [u64; 3] {
    let mut counts = [0; 3];
    for ((name, arguments), number) in SMALL.into_iter().zip(0..) {
        let honest = execution(name, arguments);
        assert_eq!(compare(&honest, name), Verdict::Run);
        for round in 0..rounds {
            let mut random = Random(number << 32 | round);
            let mut execution = honest.clone();
            for _ in 0..1 + random.below(3) {
                damage(&mut execution, &mut random);
            }
            let verdict = compare(&execution, &format!("{name}, round {round}"));
            counts[verdict as usize] += 1;
        }
    }
    counts
}

#[test]
fn random_damage() {
    let [runs, none, form] = on_random_damage(20);
    println!("{runs} runs, {none} none, {form} of another form");
    assert!(runs > 20 && none > 150 && form > 50, "{runs}, {none}, {form}");
}

#[test]
#[ignore = "takes minutes"]
fn much_random_damage() {
    let [runs, none, form] = on_random_damage(1500);
    println!("{runs} runs, {none} none, {form} of another form");
}

/// Each cell by itself: either nothing of the run uses it, and the proof is one, or the check refuses it.
#[test]
fn each_cell_of_a_run() {
    for name in ["bench/fib_tiny", "cairo0/range_check_edges", "cairo0/bitwise_edges", "cairo0/code_in_data"] {
        let honest = execution(name, None);
        let mut kept = 0;
        for address in 1..honest.memory.len() {
            let mut execution = honest.clone();
            execution.memory[address] += Felt::one();
            let verdict = compare(&execution, &format!("{name}, cell {address}"));
            kept += usize::from(verdict == Verdict::Run);
        }
        assert!(3 * kept < honest.memory.len(), "{name}: {kept} of {}", honest.memory.len());
    }
}

/// An execution of one step that jumps to the end, as somebody invents who has looked at the form alone.
#[test]
fn one_step_executions_are_none() {
    for (name, arguments) in SMALL {
        let mut execution = execution(name, arguments);
        let end = *execution.trace.last().unwrap();
        execution.trace = vec![execution.trace[0], end];
        assert_eq!(execution.check_form(), Ok(()), "{name}");
        assert_eq!(compare(&execution, name), Verdict::None);
    }
}

/// Where the unused builtins of a program begin does not matter, not even if it is amid other cells.
#[test]
fn segments_of_no_cells() {
    let honest = execution("cairo0/builtins_unused", None);
    let builtins = honest.program.builtins();
    let first = honest.program.initial_ap() as usize;
    let stops = honest.trace.last().unwrap().ap as usize - builtins.len();
    let mut moved = 0;
    for (position, builtin) in builtins.iter().enumerate() {
        if honest.segments[builtin].base < honest.segments[builtin].stop {
            continue;
        }
        for base in [1, first as u32, honest.segments[&Builtin::Output].base, honest.memory.len() as u32] {
            let mut execution = honest.clone();
            execution.segments.insert(*builtin, Segment { base, stop: base });
            for cell in [first + position, stops + position] {
                execution.memory[cell] = Felt::from(u64::from(base));
            }
            assert_eq!(compare(&execution, "builtins_unused"), Verdict::Run, "{builtin} at {base}");
            moved += 1;
        }
    }
    assert_eq!(moved, 8);
}
