#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::Execution;
use crate::fixture::{cairo0, countdown};
use cairo_air::decode::{DecodeError, Extended, Extension};

const DST_FP: u16 = 1;
const OP0_FP: u16 = 1 << 1;
const OP1_IMM: u16 = 1 << 2;
const OP1_FP: u16 = 1 << 3;
const OP1_AP: u16 = 1 << 4;
const ADD: u16 = 1 << 5;
const MUL: u16 = 1 << 6;
const PC_ABS: u16 = 1 << 7;
const PC_REL: u16 = 1 << 8;
const JNZ: u16 = 1 << 9;
const AP_ADD: u16 = 1 << 10;
const AP_ADD1: u16 = 1 << 11;
const CALL: u16 = 1 << 12;
const RET: u16 = 1 << 13;
const ASSERT: u16 = 1 << 14;

/// Cells that hold ten times their address, but for those given.
fn memory(cells: &[(usize, i64)]) -> Vec<Felt> {
    let mut memory: Vec<Felt> = (0..40).map(|address| signed(10 * address)).collect();
    for (address, value) in cells {
        memory[*address] = signed(*value);
    }
    memory
}

const START: Registers = Registers { pc: 5, ap: 20, fp: 30 };

fn make(cells: &[(usize, i64)], flags: u16, offsets: [i32; 3], next: Registers) -> Result<Step, Fault> {
    Step::new(&memory(cells), START, next, Decoded { flags: Flags(flags), offsets })
}

fn after(pc: u32, ap: u32, fp: u32) -> Registers {
    Registers { pc, ap, fp }
}

/// The step leads to `next` and nowhere else.
fn leads(cells: &[(usize, i64)], flags: u16, offsets: [i32; 3], next: Registers) -> Step {
    let step = make(cells, flags, offsets, next).unwrap();
    for by in [1, u32::MAX, 1 << 31] {
        let [pc, ap, fp] = [next.pc, next.ap, next.fp].map(|register| register.wrapping_add(by));
        for (register, wrong, right) in [
            ("pc", Registers { pc, ..next }, next.pc),
            ("ap", Registers { ap, ..next }, next.ap),
            ("fp", Registers { fp, ..next }, next.fp),
        ] {
            let found = [("pc", wrong.pc), ("ap", wrong.ap), ("fp", wrong.fp)];
            let found = found.into_iter().find(|(name, _)| *name == register).unwrap().1;
            let refused = Fault::Register { register, expected: right.to_string(), found };
            assert_eq!(make(cells, flags, offsets, wrong), Err(refused));
        }
    }
    step
}

#[test]
fn operands_come_from_their_bases() {
    let read = |flags, offsets| {
        let size = 1 + u32::from(flags & OP1_IMM != 0);
        let step = make(&[(22, 12)], flags, offsets, after(5 + size, 20, 30)).unwrap();
        [step.dst, step.op0, step.op1, step.res].map(|value| encoding::to_short(&value).parse::<i64>().unwrap())
    };
    // An assertion that holds: dst and op1 are the same cell.
    assert_eq!(read(ASSERT | OP1_AP, [3, 0, 3]), [230, 0, 230, 230]);
    assert_eq!(read(ASSERT | OP1_FP | DST_FP, [-3, 0, -3]), [270, 0, 270, 270]);
    assert_eq!(read(ASSERT | OP1_FP, [9, 0, -1]), [290, 0, 290, 290]);
    assert_eq!(read(ASSERT | OP1_AP | DST_FP, [-9, 0, 1]), [210, 0, 210, 210]);
    // [op0 + off2], from fp and ap.
    assert_eq!(read(ASSERT, [-7, 2, 1]), [130, 12, 130, 130]);
    assert_eq!(read(ASSERT | OP0_FP, [-7, -8, 1]), [130, 12, 130, 130]);
    // Sums and products.
    let cells = [(21, 7), (22, 5), (23, 12), (24, 35), (6, 5)];
    let next = after(6, 20, 30);
    assert_eq!(make(&cells, ASSERT | ADD | OP1_AP, [3, 1, 2], next).unwrap().res, signed(12));
    assert_eq!(make(&cells, ASSERT | MUL | OP1_AP, [4, 1, 2], next).unwrap().res, signed(35));
    assert_eq!(make(&cells, ASSERT | ADD | OP1_FP | OP0_FP, [3, -9, -8], next).unwrap().res, signed(12));
    let step = make(&cells, ASSERT | MUL | OP1_IMM, [4, 1, 1], after(7, 20, 30)).unwrap();
    assert_eq!((step.res, step.op1, step.op1_address), (signed(35), signed(5), 6));
}

#[test]
fn assertions_hold() {
    let next = after(6, 20, 30);
    let cells = [(21, 7), (22, 5), (23, 13)];
    let refused = |expected: &str| {
        let (what, expected, found) = ("the asserted value", expected.to_owned(), "13".to_owned());
        Err(Fault::Value { what, address: 23, expected, found })
    };
    assert_eq!(make(&cells, ASSERT | ADD | OP1_AP, [3, 1, 2], next), refused("12"));
    assert_eq!(make(&cells, ASSERT | MUL | OP1_AP, [3, 1, 2], next), refused("35"));
    assert_eq!(make(&cells, ASSERT | OP1_AP, [3, 1, 2], next), refused("5"));
    assert!(make(&cells, OP1_AP, [3, 1, 2], next).is_ok());
}

#[test]
fn pc_moves() {
    leads(&[], OP1_AP, [0, 0, 0], after(6, 20, 30));
    leads(&[], OP1_IMM, [0, 0, 1], after(7, 20, 30));
    // Without a jump, whatever dst and op1 are.
    leads(&[(21, 7), (22, 7)], ASSERT | OP1_AP, [1, 0, 2], after(6, 20, 30));
    leads(&[(21, 33)], OP1_AP | PC_ABS, [0, 0, 1], after(33, 20, 30));
    leads(&[(21, 33)], OP1_AP | PC_REL, [0, 0, 1], after(38, 20, 30));
    leads(&[(21, -4)], OP1_AP | PC_REL, [0, 0, 1], after(1, 20, 30));
    leads(&[(6, 0)], OP1_IMM | PC_REL, [0, 0, 1], after(5, 20, 30));
    // dst decides; the distance is op1.
    leads(&[(20, 0), (21, 9)], OP1_AP | JNZ, [0, 0, 1], after(6, 20, 30));
    leads(&[(20, 0), (6, 9)], OP1_IMM | JNZ, [0, 0, 1], after(7, 20, 30));
    leads(&[(20, 1), (21, 9)], OP1_AP | JNZ, [0, 0, 1], after(14, 20, 30));
    leads(&[(20, -1), (6, -3)], OP1_IMM | JNZ, [0, 0, 1], after(2, 20, 30));
    leads(&[(30, 0), (21, 9)], OP1_AP | JNZ | DST_FP, [0, 0, 1], after(6, 20, 30));
    // Sums too.
    leads(&[(21, 33), (22, -8)], OP1_AP | PC_ABS | ADD, [0, 1, 2], after(25, 20, 30));
}

#[test]
fn ap_and_fp_move() {
    leads(&[], OP1_AP | AP_ADD1, [0, 0, 0], after(6, 21, 30));
    leads(&[(21, 5)], OP1_AP | AP_ADD, [0, 0, 1], after(6, 25, 30));
    leads(&[(21, -5)], OP1_AP | AP_ADD, [0, 0, 1], after(6, 15, 30));
    let call = [(20, 30), (21, 6), (1, 22)];
    leads(&call, CALL | OP1_AP | PC_ABS, [0, 1, -19], after(22, 22, 22));
    leads(&[(20, 30), (21, 7), (6, 8)], CALL | OP1_IMM | PC_REL, [0, 1, 1], after(13, 22, 22));
    leads(&[(28, 17), (29, 9)], RET | DST_FP | OP1_FP | PC_ABS, [-2, -1, -1], after(9, 20, 17));
    leads(&[(28, 17), (29, 9)], RET | DST_FP | OP1_FP | PC_ABS | AP_ADD1, [-2, -1, -1], after(9, 21, 17));
}

#[test]
fn calls_push_frame_and_return_address() {
    let next = after(13, 22, 22);
    let refused = |cells: &[(usize, i64)]| match make(cells, CALL | OP1_IMM | PC_REL, [0, 1, 1], next) {
        Err(Fault::Value { what, address, expected, found }) => (what, address, expected, found),
        other => panic!("{other:?}"),
    };
    let frame = refused(&[(20, 31), (21, 7), (6, 8)]);
    assert_eq!(frame, ("the frame pointer that a call pushes", 20, "30".to_owned(), "31".to_owned()));
    let back = refused(&[(20, 30), (21, 6), (6, 8)]);
    assert_eq!(back, ("the return address that a call pushes", 21, "7".to_owned(), "6".to_owned()));
}

fn none<T>(what: &'static str, address: &str) -> Result<T, Fault> {
    Err(Fault::NoCell { what, address: address.to_owned() })
}

/// Cells are at 1 to 39.
#[test]
fn operands_outside_memory() {
    let next = after(6, 20, 30);
    for (offset, address) in [(-20, "0"), (-21, "-1"), (20, "40"), (32767, "32787")] {
        assert_eq!(make(&[], ASSERT | OP1_AP, [offset, 0, 0], next), none("dst", address));
        assert_eq!(make(&[], ADD | OP1_AP, [0, offset, 0], next), none("op0", address));
        assert_eq!(make(&[], OP1_AP, [0, 0, offset], next), none("op1", address));
        // What nothing reads need not exist; op1 must.
        assert!(make(&[], OP1_AP, [offset, offset, 0], next).is_ok());
    }
    assert!(make(&[], OP1_AP, [0, 0, 19], next).is_ok());
    assert!(make(&[], OP1_AP, [0, 0, -19], next).is_ok());
    // Through op0, whatever that is.
    let through = |op0: Felt, offset| {
        let mut memory = memory(&[]);
        memory[21] = op0;
        Step::new(&memory, START, next, Decoded { flags: Flags(0), offsets: [0, 1, offset] })
            .map(|step| step.op1_address)
    };
    assert_eq!(through(signed(-3), 5), Ok(2));
    assert_eq!(through(signed(-3), 3), none("op1", "0"));
    assert_eq!(through(signed(-3), 2), none("op1", "-1"));
    assert_eq!(through(signed(39), 0), Ok(39));
    assert_eq!(through(signed(39), 1), none("op1", "40"));
    assert_eq!(through(signed(1 << 50), 1), none("op1", &((1_u64 << 50) + 1).to_string()));
    let huge = Felt::from(2_u64).pow(200_u64);
    assert_eq!(through(huge, 0), none("op1", &encoding::to_hex(&huge)));
    assert_eq!(through(-huge, 0), none("op1", &encoding::to_hex(&-huge)));
}

/// Registers have 32 bits: what leads beyond is no step, and nothing wraps around.
#[test]
fn registers_do_not_wrap() {
    let memory = memory(&[(39, 1)]);
    let made = |registers: Registers, next: Registers, flags| {
        let offsets = [0, 0, i32::from(flags & OP1_IMM != 0)];
        Step::new(&memory, registers, next, Decoded { flags: Flags(flags), offsets }).map(|_| ())
    };
    let most = u32::MAX;
    let top = |register, expected: u64, found| Err(Fault::Register { register, expected: expected.to_string(), found });
    // op1 is at fp.
    let at = Registers { pc: 5, ap: most, fp: 39 };
    assert_eq!(made(at, Registers { pc: 6, ..at }, OP1_FP), Ok(()));
    assert_eq!(made(at, Registers { pc: 6, ap: 0, ..at }, OP1_FP | AP_ADD1), top("ap", 1 << 32, 0));
    assert_eq!(made(at, Registers { pc: 6, ap: 0, ..at }, OP1_FP | AP_ADD), top("ap", 1 << 32, 0));
    let at = Registers { pc: most, ap: 20, fp: 39 };
    assert_eq!(made(at, Registers { pc: 0, ..at }, OP1_FP), top("pc", 1 << 32, 0));
    assert_eq!(made(at, Registers { pc: 0, ..at }, OP1_FP | PC_REL), top("pc", 1 << 32, 0));
}

#[test]
fn steps_of_an_execution() {
    let mut execution = cairo0();
    for step in 0..6 {
        let made = execution.step(step).unwrap();
        assert_eq!((made.registers, made.next), (execution.trace[step], execution.trace[step + 1]));
    }
    for step in [6, 7, usize::MAX] {
        assert_eq!(execution.step(step), Err(ExecutionError::NoStep { step, steps: 6 }));
    }
    // An opcode extension belongs to the other kind of step.
    let qm31 = Extended { extension: Extension::Qm31, flags: Flags(0x4028), offsets: [0; 3] };
    let refused = |fault| ExecutionError::Step { step: 1, pc: 3, fault };
    assert_eq!(execution.extended_step(1), Err(refused(Fault::NotExtended)));
    let plain = std::mem::replace(&mut execution.memory[3], qm31.encode());
    assert_eq!(execution.step(1), Err(refused(Fault::Extended)));
    execution.memory[3] = plain;
    assert!(matches!(execution.extended_step(6), Err(ExecutionError::NoStep { .. })));
    // A word that is no instruction, and no word at all.
    execution.memory[3] = Felt::from(1_u64 << 63);
    let (error, word) = (DecodeError::BlakeFlags, "0x8000000000000000".to_owned());
    let refused = ExecutionError::Step { step: 1, pc: 3, fault: Fault::Instruction { word, error } };
    assert_eq!(execution.step(1), Err(refused.clone()));
    assert_eq!(check(&execution.run()), Err(refused));
    for pc in [0, 21, u32::MAX] {
        execution.trace[0].pc = pc;
        let fault = Fault::NoCell { what: "instruction", address: pc.to_string() };
        assert_eq!(execution.step(0), Err(ExecutionError::Step { step: 0, pc, fault: fault.clone() }));
        assert_eq!(check(&execution.run()), Err(ExecutionError::Step { step: 0, pc, fault }));
    }
}

/// Every cell that the run uses and every register counts.
#[test]
fn nothing_of_a_run_can_be_altered() {
    let honest = countdown(40);
    assert_eq!(honest.check(), Ok(()));
    for address in 0..honest.memory.len() {
        let mut execution = honest.clone();
        execution.memory[address] += Felt::one();
        assert!(execution.check().is_err(), "cell {address}");
    }
    for step in 0..honest.trace.len() {
        let changes: [fn(&mut Registers); 3] = [|state| state.pc += 2, |state| state.ap -= 1, |state| state.fp += 1];
        for change in changes {
            let mut execution = honest.clone();
            change(&mut execution.trace[step]);
            assert!(execution.check().is_err(), "state {step}");
        }
        let mut execution = honest.clone();
        let _ = execution.trace.remove(step);
        assert!(execution.check().is_err(), "without state {step}");
    }
}

/// Instructions are remembered by a part of their address: one must not be taken for another.
#[test]
fn instructions_far_apart_are_told_apart() {
    let far = START.pc + REMEMBERED as u32;
    let mut memory = memory(&[(21, i64::from(far))]);
    memory.resize(far as usize + 1, Felt::zero());
    let word = |flags| Felt::from(Decoded { flags: Flags(flags), offsets: [0, 0, 1] }.encode());
    memory[START.pc as usize] = word(OP1_AP | PC_ABS);
    memory[far as usize] = word(OP1_AP | AP_ADD1);
    let trace = vec![START, after(far, 20, 30), after(far + 1, 21, 30)];
    assert_eq!(check(&Execution { memory, trace, ..cairo0() }.run()), Ok(()));
}

#[test]
fn messages_name_step_place_and_values() {
    let mut execution = cairo0();
    execution.memory[18] = Felt::from(8);
    let told = execution.check().unwrap_err().to_string();
    let expected =
        "step 2, at pc = 7, is none of the machine's: the asserted value in memory cell 18 must be 7, but is 8";
    assert_eq!(told, expected);
    let mut execution = cairo0();
    execution.trace[3].ap = 20;
    let told = execution.check().unwrap_err().to_string();
    assert_eq!(told, "step 2, at pc = 7, is none of the machine's: it makes ap 19, but the trace goes on with ap = 20");
}
