//! Whether the native check of an execution and the prover are of one mind.

use super::random::Random;
use super::report;
use cairo_air::{Policy, verify};
use cairo_execution::{Execution, ExecutionError};
use cairo_prover::planner::{Costs, plan};
use cairo_prover::prove::{all_generic, claim, witness};
use cairo_prover::{Options, StepTable, prove};
use felt::Felt;
use stark::NoControl;
use testkit::proofs::CHEAP;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The check takes it, and so does everything after it.
    Run,
    /// All refuse it.
    None,
    /// The check refuses its form alone: a proof might say of a run with less of a trace, or with more memory.
    Form,
}

/// Whether a witness exists that all constraints and buses hold for.
fn provable(execution: &Execution, steps: Vec<StepTable>) -> Result<(), String> {
    let made = witness(execution.clone(), [1; 32], steps, 0, &NoControl).map_err(|error| error.to_string())?;
    let end = made.layout.memory_end(made.claim.owned_end);
    let claim = made.claim.check(&made.statement.program, &made.statement.runs, end);
    claim.map_err(|error| error.to_string())?;
    let report = report(&made);
    if report.is_clean() { Ok(()) } else { Err(report.to_string()) }
}

/// Compares what the check, the generic table and the planner's tables make of an execution.
///
/// # Panics
/// If the check takes what the prover cannot prove, or refuses a step or a cell of what the generic table proves.
pub fn compare(execution: &Execution, what: &str) -> Verdict {
    let checked = execution.check();
    // A claim that is none has no tables.
    if claim(&execution.clone().into())
        .check(&execution.program, std::slice::from_ref(&execution.arguments), u64::MAX)
        .is_err()
    {
        assert!(checked.is_err(), "{what}: no proof can claim this");
        return Verdict::None;
    }
    if let Err(error) = execution.check_form() {
        assert_eq!(checked, Err(error));
        return Verdict::Form;
    }
    let generic = provable(execution, all_generic(execution));
    match (&checked, &generic) {
        (Ok(()), Ok(())) => {}
        (Err(ExecutionError::Step { .. } | ExecutionError::RangeCheck { .. }), Err(_))
        | (Err(ExecutionError::RangeCheck96 { .. } | ExecutionError::ModularWord { .. }), Err(_))
        | (Err(ExecutionError::ModularPointer { .. } | ExecutionError::ModularResult { .. }), Err(_))
        | (Err(ExecutionError::ModularBatch { .. } | ExecutionError::ModularBatchEnd { .. }), Err(_))
        | (Err(ExecutionError::BitwiseInput { .. } | ExecutionError::BitwiseResult { .. }), Err(_))
        | (Err(ExecutionError::BuiltinResult { .. } | ExecutionError::NotOnCurve { .. }), Err(_))
        | (Err(ExecutionError::PedersenInfinity { .. } | ExecutionError::EcOpInfinity { .. }), Err(_))
        | (Err(ExecutionError::Signature { .. } | ExecutionError::KeccakInput { .. }), Err(_)) => {
            return Verdict::None;
        }
        other => panic!("{what}: check and generic table differ: {other:?}"),
    }
    let planned = plan(execution, &Costs::new(execution, 135)).tables;
    provable(execution, planned).unwrap_or_else(|error| panic!("{what}: not proven as planned: {error}"));
    let options = Options { parameters: CHEAP, ..Options::default() };
    let (program, arguments) = (execution.program.clone(), execution.arguments.clone());
    let proof = prove(execution.clone(), [1; 32], &options, &NoControl);
    let proof = proof.unwrap_or_else(|error| panic!("{what}: {error}")).encode();
    let statement = cairo_air::Statement::single(program, arguments, [1; 32]);
    let policy = Policy { min_conjectured_bits: 0.0, ..Policy::default() };
    let verified = verify(&statement, &proof, &policy).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(verified.runs[0].n_steps, execution.n_steps() as u64);
    assert_eq!(verified.runs[0].output, execution.output());
    Verdict::Run
}

/// A value that might stand anywhere.
fn value(random: &mut Random, old: Felt, execution: &Execution) -> Felt {
    let power = |bits: u64| Felt::from(2_u64).pow(bits);
    match random.below(9) {
        0 => old + Felt::one(),
        1 => old - Felt::one(),
        2 => -old,
        3 => Felt::from(random.bits() % (execution.memory.len() as u64 + 2)),
        4 => power(random.bits() % 252),
        5 => -power(random.bits() % 252),
        6 => execution.memory[random.below(execution.memory.len())],
        7 => Felt::zero(),
        _ => old + power(random.bits() % 252),
    }
}

/// Alters something.
pub fn damage(execution: &mut Execution, random: &mut Random) {
    let cells = execution.memory.len();
    let registers = |random: &mut Random, old: u32| match random.below(4) {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        2 => random.below(cells + 1) as u32,
        _ => random.bits() as u32,
    };
    match random.below(16) {
        0..=8 => {
            let first = 1 + execution.program.bytecode().len();
            let at = first + random.below(cells - first);
            execution.memory[at] = value(random, execution.memory[at], execution);
        }
        9..=11 => {
            let at = random.below(execution.trace.len());
            let state = &mut execution.trace[at];
            match random.below(3) {
                0 => state.pc = registers(random, state.pc),
                1 => state.ap = registers(random, state.ap),
                _ => state.fp = registers(random, state.fp),
            }
        }
        12 => {
            // The same wrong frame in a row of states.
            let at = random.below(execution.trace.len());
            let to = (at + 1 + random.below(8)).min(execution.trace.len());
            let by = [1, u32::MAX][random.below(2)];
            execution.trace[at..to].iter_mut().for_each(|state| state.fp = state.fp.wrapping_add(by));
        }
        13 => {
            let at = random.below(execution.trace.len());
            let state = execution.trace[at];
            match random.one_in(2) {
                true => execution.trace.insert(at, state),
                false => drop(execution.trace.drain(at..=at)),
            }
        }
        14 => {
            let at = random.below(execution.segments.len());
            let segment = execution.segments.values_mut().nth(at).unwrap();
            let end = if random.one_in(2) { &mut segment.base } else { &mut segment.stop };
            *end = registers(random, *end);
        }
        // Cells that nothing has: no damage.
        _ => execution.memory.push(value(random, Felt::zero(), execution)),
    }
}
