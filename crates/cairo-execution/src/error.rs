//! What can be wrong with an execution.

use crate::Registers;
use cairo_air::Builtin;
use cairo_air::claim::MAX_OUTPUT;
use cairo_air::decode::DecodeError;

/// What is wrong with an execution. Addresses are relocated ones, steps count from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// Memory does not even hold the program and the head of the execution segment.
    #[error("memory has {cells} cells, but the program and the start of its execution segment take {needed}")]
    MemoryTooShort {
        /// Cells that there are.
        cells: u64,
        /// Cells that must be there.
        needed: u64,
    },
    /// More cells than 32-bit addresses reach.
    #[error("memory has {cells} cells, more than 32-bit addresses reach; split the work into smaller units")]
    MemoryTooLong {
        /// Cells that there are.
        cells: u64,
    },
    /// The unused cell 0 holds something.
    #[error("memory cell 0 is no part of a run and must hold 0, but holds {found}")]
    CellZero {
        /// What it holds.
        found: String,
    },
    /// No step was recorded.
    #[error("the trace has {states} states, so not one step; a run has at least one")]
    EmptyTrace {
        /// States that there are.
        states: usize,
    },
    /// A register points outside memory.
    #[error("before step {step}, {register} = {value} lies outside memory (1..={last})")]
    RegisterOutside {
        /// Step.
        step: usize,
        /// `pc`, `ap` or `fp`.
        register: &'static str,
        /// Its value.
        value: u32,
        /// Largest value allowed.
        last: u32,
    },
    /// The run does not begin where the program begins.
    #[error("the run begins at {found}, but this program begins at {expected}")]
    InitialState {
        /// First state of the trace.
        found: Registers,
        /// The state that the program fixes.
        expected: Registers,
    },
    /// The run does not end at the program's end.
    #[error("the run ends at pc = {pc}, fp = {fp}, but this program ends at pc = {expected_pc}, fp = {expected_fp}")]
    FinalState {
        /// Last `pc`.
        pc: u32,
        /// Last `fp`.
        fp: u32,
        /// The `pc` that the program fixes.
        expected_pc: u32,
        /// The `fp` that the program fixes.
        expected_fp: u32,
    },
    /// The end was reached before the last state.
    #[error("the program's end is reached at step {step} already, but the trace goes on to step {last}")]
    EarlyEnd {
        /// Step of the first arrival.
        step: usize,
        /// Last step.
        last: usize,
    },
    /// The final `ap` leaves no room for the stop pointers.
    #[error("the run ends with ap = {ap}, but the builtins' stop pointers need it to be at least {least}")]
    FinalAp {
        /// Last `ap`.
        ap: u32,
        /// Least possible one.
        least: u64,
    },
    /// Memory at the program's addresses is not the program.
    #[error("memory cell {address} holds {found}, but word {word} of the program is {expected}")]
    Bytecode {
        /// Address.
        address: u32,
        /// Word index.
        word: usize,
        /// What memory holds.
        found: String,
        /// What the program holds.
        expected: String,
    },
    /// The first two cells of the execution segment are wrong.
    #[error("memory cell {address}, at the head of the execution segment, holds {found} instead of {expected}")]
    ExecutionHead {
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
        /// What must be there.
        expected: String,
    },
    /// A declared builtin has no segment.
    #[error("the program declares the builtin `{0}`, but the execution has no segment for it")]
    SegmentMissing(Builtin),
    /// A segment for a builtin that the program does not declare.
    #[error("the execution has a segment for the builtin `{0}`, which the program does not declare")]
    SegmentUndeclared(Builtin),
    /// A segment's addresses are out of order or outside memory.
    #[error("the segment of `{builtin}` is {base}..{stop}, which is no range within memory ({cells} cells)")]
    SegmentBounds {
        /// Builtin.
        builtin: Builtin,
        /// First address.
        base: u32,
        /// One past the last.
        stop: u32,
        /// Cells of memory.
        cells: u64,
    },
    /// A segment is no whole number of instances.
    #[error(
        "the segment of `{builtin}` has {len} cells, which is no multiple of the {cells_per_instance} of one instance"
    )]
    SegmentInstances {
        /// Builtin.
        builtin: Builtin,
        /// Cells of the segment.
        len: u32,
        /// Cells of an instance.
        cells_per_instance: u32,
    },
    /// The initial stack does not hold a builtin's base.
    #[error("memory cell {address} holds {found}, but the base of `{builtin}` there is {expected}")]
    BuiltinBase {
        /// Builtin.
        builtin: Builtin,
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
        /// The segment's base.
        expected: u32,
    },
    /// The final stack does not hold a builtin's stop pointer.
    #[error("memory cell {address} holds {found}, but the stop pointer of `{builtin}` there is {expected}")]
    StopPointer {
        /// Builtin.
        builtin: Builtin,
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
        /// The segment's end.
        expected: u32,
    },
    /// More output than a proof may show.
    #[error("the output has {0} values; a proof shows at most {MAX_OUTPUT}. Split the work into smaller units")]
    OutputTooLong(usize),
    /// Fewer output values than arguments.
    #[error(
        "the output has {output} values and cannot begin with the {arguments} arguments; \
         a provable Cairo 0 program first writes its arguments to the output, in order"
    )]
    OutputTooShort {
        /// Output values.
        output: usize,
        /// Arguments.
        arguments: usize,
    },
    /// The output does not begin with the arguments.
    #[error(
        "output value {index} is {found}, but argument {index} is {expected}; \
         a provable Cairo 0 program first writes its arguments to the output, in order"
    )]
    OutputPrefix {
        /// Index, from 0.
        index: usize,
        /// The output value.
        found: String,
        /// The argument.
        expected: String,
    },
    /// An argument segment is given for a program that binds arguments by its output.
    #[error("the execution names an argument segment at {0}, but this program binds its arguments by its output")]
    ArgumentsStartUnexpected(u32),
    /// No argument segment is given for a program that needs one.
    #[error("the execution does not say where its argument segment starts")]
    ArgumentsStartMissing,
    /// The argument segment is not within memory.
    #[error("the {arguments} arguments at {start} reach outside memory ({cells} cells)")]
    ArgumentsOutside {
        /// Start of the segment.
        start: u32,
        /// Number of arguments.
        arguments: usize,
        /// Cells of memory.
        cells: u64,
    },
    /// A pointer cell of the entry wrapper is wrong.
    #[error("memory cell {address} holds {found}, but the {which} of the arguments there is {expected}")]
    ArgumentPointer {
        /// `start` or `end`.
        which: &'static str,
        /// Address.
        address: u64,
        /// What memory holds.
        found: String,
        /// The address that it must hold.
        expected: u64,
    },
    /// A cell of the argument segment is wrong.
    #[error("memory cell {address} holds {found}, but argument {index} there is {expected}")]
    Argument {
        /// Index, from 0.
        index: usize,
        /// Address.
        address: u64,
        /// What memory holds.
        found: String,
        /// The argument.
        expected: String,
    },
    /// A step that the trace does not have.
    #[error("there is no step {step}; the run has {steps}")]
    NoStep {
        /// The step asked for.
        step: usize,
        /// Steps of the run.
        steps: usize,
    },
    /// A step that is none of the machine's.
    #[error("step {step}, at pc = {pc}, is none of the machine's: {fault}")]
    Step {
        /// The step.
        step: usize,
        /// The `pc` before it.
        pc: u32,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A cell of a builtin that does not exist.
    #[error("memory has no cell {address}, which the builtin `{builtin}` uses")]
    BuiltinCell {
        /// Builtin.
        builtin: Builtin,
        /// Address.
        address: u32,
    },
    /// A cell of the range_check segment that is too large.
    #[error("memory cell {address} belongs to the range_check builtin but holds {found}, which is not below 2^128")]
    RangeCheck {
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
    },
    /// A cell of the range_check96 segment that is too large.
    #[error("memory cell {address} belongs to the range_check96 builtin but holds {found}, which is not below 2^96")]
    RangeCheck96 {
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
    },
    /// A word of a modular builtin's instance that is too large.
    #[error("memory cell {address} is a word of an instance of `{builtin}` but holds {found}, which is not below 2^96")]
    ModularWord {
        /// Builtin.
        builtin: Builtin,
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
    },
    /// A pointer of a modular builtin's instance that leads nowhere.
    #[error("the instance of `{builtin}` at address {address} has its {what} at {found}, which is no address")]
    ModularPointer {
        /// Builtin.
        builtin: Builtin,
        /// Address of the instance.
        address: u32,
        /// `offsets`, `a`, `b` or `c`.
        what: &'static str,
        /// Where it leads: pointer plus offset, a field element.
        found: String,
    },
    /// A modular builtin's instance whose result is another one.
    #[error("the instance of `{builtin}` at address {address} has {numbers}, but {}", match builtin {
        Builtin::AddMod => "a + b − c is neither 0 nor p",
        _ => "a·b − c is no multiple of p by a number from 0 to 2^384 − 1",
    })]
    ModularResult {
        /// Builtin.
        builtin: Builtin,
        /// Address of the instance.
        address: u32,
        /// The modulus and the values, by their names.
        numbers: String,
    },
    /// An instance of a modular builtin that does not go on with the batch that it belongs to.
    #[error(
        "memory cell {address} belongs to a batch of `{builtin}` and must hold {expected}, as the instance before says; it holds {found}"
    )]
    ModularBatch {
        /// Builtin.
        builtin: Builtin,
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
        /// What must be there.
        expected: String,
    },
    /// A batch of a modular builtin that ends too early.
    #[error(
        "the instance of `{builtin}` at address {address} counts n = {n} of its batch from itself on, but is the last one; that must count 1"
    )]
    ModularBatchEnd {
        /// Builtin.
        builtin: Builtin,
        /// Address of the instance.
        address: u32,
        /// What it counts.
        n: String,
    },
    /// An input of the bitwise builtin that is too large.
    #[error("memory cell {address} is an input of the bitwise builtin but holds {found}, which is not below 2^251")]
    BitwiseInput {
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
    },
    /// A result of the bitwise builtin that is another one.
    #[error("memory cell {address} holds {found}, but the bitwise {operation} of the instance's inputs is {expected}")]
    BitwiseResult {
        /// `and`, `xor` or `or`.
        operation: &'static str,
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
        /// What the inputs make.
        expected: String,
    },
    /// An input of the keccak builtin that is too large.
    #[error("memory cell {address} is an input of the keccak builtin but holds {found}, which is not below 2^200")]
    KeccakInput {
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
    },
    /// A point of a builtin that is not on the Stark curve.
    #[error(
        "memory cells {address} and {} are a point of the builtin `{builtin}`, but ({x}, {y}) is not on the Stark curve",
        address.saturating_add(1)
    )]
    NotOnCurve {
        /// Builtin.
        builtin: Builtin,
        /// Address of the first coordinate.
        address: u32,
        /// First coordinate.
        x: String,
        /// Second coordinate.
        y: String,
    },
    /// A result of a builtin that is another one.
    #[error("memory cell {address} holds {found}, but the result of the `{builtin}` instance's inputs is {expected}")]
    BuiltinResult {
        /// Builtin.
        builtin: Builtin,
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
        /// What the inputs make.
        expected: String,
    },
    /// An instance of pedersen whose sum cannot be computed as tables do it. Nobody knows one.
    #[error("the instance of `pedersen` at memory cell {address} has no hash that can be proven")]
    PedersenInfinity {
        /// Address of the instance.
        address: u32,
    },
    /// Not one signature for each instance of ecdsa.
    #[error("the run has {instances} instances of `ecdsa`, but {signatures} signatures")]
    Signatures {
        /// Instances.
        instances: usize,
        /// Signatures.
        signatures: usize,
    },
    /// An instance of ecdsa whose signature is none.
    #[error("the instance of `ecdsa` at memory cell {address} does not hold: {refusal}")]
    Signature {
        /// Address of the instance.
        address: u32,
        /// Why.
        refusal: stark_curve::ecdsa::Refusal,
    },
    /// An instance of ec_op without a finite result.
    #[error(
        "the instance of `ec_op` at memory cell {address} has no result that can be proven: P + m·Q is infinity, or a sum on the \
         way to it is"
    )]
    EcOpInfinity {
        /// Address of the instance.
        address: u32,
    },
}

/// What is wrong with a step. Field elements that are no small integers are written in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The word at `pc` is no instruction.
    #[error("the word {word} there is no instruction: {error}")]
    Instruction {
        /// The word.
        word: String,
        /// Why it is none.
        error: DecodeError,
    },
    /// It reads a cell that does not exist.
    #[error("its {what} would be at address {address}, where memory has no cell")]
    NoCell {
        /// `instruction`, `dst`, `op0`, `op1`, or what blake reads.
        what: &'static str,
        /// The address, a field element.
        address: String,
    },
    /// A cell does not hold what the step demands.
    #[error("{what} in memory cell {address} must be {expected}, but is {found}")]
    Value {
        /// `the asserted value`, `the frame pointer that a call pushes`, `the return address that a call pushes` or `the word of blake's result`.
        what: &'static str,
        /// Address.
        address: u64,
        /// What the step demands.
        expected: String,
        /// What memory holds.
        found: String,
    },
    /// An operand of an assertion in QM31 that is no value of that field.
    #[error(
        "its {what} in memory cell {address} is {found}, which is no packed value of QM31: four numbers below 2^31 - 1, each 36 bits \
         above the one before"
    )]
    Qm31 {
        /// `dst`, `op0` or `op1`.
        what: &'static str,
        /// Address.
        address: u64,
        /// What memory holds.
        found: String,
    },
    /// A word of blake that is too large.
    #[error("{what} in memory cell {address} is {found}, which is not below 2^32")]
    Word32 {
        /// Whose word it is.
        what: &'static str,
        /// Address.
        address: u64,
        /// What memory holds.
        found: String,
    },
    /// It has an opcode extension, where one without is wanted.
    #[error("the word there has an opcode extension, which belongs to tables of its own")]
    Extended,
    /// It has no opcode extension, where one is wanted.
    #[error("the word there has no opcode extension")]
    NotExtended,
    /// It leads elsewhere than the trace.
    #[error("it makes {register} {expected}, but the trace goes on with {register} = {found}")]
    Register {
        /// `pc`, `ap` or `fp`.
        register: &'static str,
        /// What the step makes of it, a field element.
        expected: String,
        /// What the trace has.
        found: u32,
    },
}
