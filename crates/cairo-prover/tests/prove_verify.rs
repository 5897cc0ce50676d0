//! Proves runs and verifies the proofs; changes one thing at a time and expects the exact reason for the refusal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::claim::{ClaimError, MAX_OUTPUT};
use cairo_air::components::bitwise::BitwiseSize;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::{Limb, MAX_CHUNKS, Occurrence, Path, Word};
use cairo_air::fetch::{Fetch, FetchError, MAX_FETCHES};
use cairo_air::layout::{LayoutError, MAX_CELLS, MAX_TABLES};
use cairo_air::{
    Builtin, CairoProof, Claim, CodecError, Policy, PolicyError, ProofFileError, Segment, Statement, TableEntry,
    TableKind, VerifyError, buses, public_tuples, verify,
};
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, Price, plan};
use cairo_prover::prove::{all_generic, estimate_memory, witness};
use cairo_prover::{Options, ProveError, Witness, prove};
use common::execution;
use felt::Felt;
use stark::{NoControl, Parameters, Preset, Shape, TableError};
use std::sync::OnceLock;

const PROVER: [u8; 32] = [7; 32];

const SUM_ARGUMENTS: &str = r#"{"n": 10}"#;

/// A statement with its honest proof.
struct Honest {
    statement: Statement,
    proof: CairoProof,
}

/// With the planner's choice of tables.
fn honest(name: &str, arguments: &str) -> Honest {
    let execution = execution(name, Some(arguments));
    let statement =
        Statement { program: execution.program.clone(), arguments: execution.arguments.clone(), prover: PROVER };
    let options = Options { parameters: Preset::Bench96.parameters(), ..Options::default() };
    let proof = prove(execution, PROVER, &options, &NoControl).unwrap();
    Honest { statement, proof }
}

/// A program with range checks and bitwise, all steps in the generic table.
fn cairo0() -> &'static Honest {
    static HONEST: OnceLock<Honest> = OnceLock::new();
    HONEST.get_or_init(|| {
        let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
        let witness = common::generic_witness(execution("cairo0/args3", Some(arguments)));
        Honest { statement: witness.statement.clone(), proof: proof_of(witness) }
    })
}

/// Proves without asking whether the witness is right.
fn proof_of(witness: Witness) -> CairoProof {
    let Witness { statement, claim, layout, tables, public, traces } = witness;
    let parameters = Preset::Bench96.parameters();
    let context = statement.context(&claim, &layout);
    let proof = stark::prove(&tables, traces, &public, &context, &parameters, &NoControl).unwrap();
    CairoProof::new(&statement, parameters, claim, layout, proof.encode(&Shape::new(&tables, &parameters)))
}

/// The generic witness of the first program with its instructions counted in the claim.
fn listed_witness() -> Witness {
    let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
    let execution = execution("cairo0/args3", Some(arguments));
    let steps = all_generic(&execution);
    witness(execution, PROVER, steps, MAX_FETCHES, &NoControl).unwrap()
}

/// Another program, which has no builtin but the output.
fn other() -> &'static Honest {
    static HONEST: OnceLock<Honest> = OnceLock::new();
    HONEST.get_or_init(|| honest("cairo0/sum_to_n", SUM_ARGUMENTS))
}

impl Honest {
    /// Verifies the proof after a change.
    fn changed(&self, change: impl FnOnce(&mut CairoProof)) -> Result<(), VerifyError> {
        let mut proof = self.proof.clone();
        change(&mut proof);
        self.bytes(&proof.encode())
    }

    fn bytes(&self, bytes: &[u8]) -> Result<(), VerifyError> {
        verify(&self.statement, bytes, &Policy::default()).map(|_| ())
    }
}

macro_rules! refused {
    ($result:expr, $pattern:pat) => {
        match $result {
            Err($pattern) => {}
            other => panic!("expected {}, found {other:?}", stringify!($pattern)),
        }
    };
}

fn index(proof: &CairoProof, kind: &TableKind) -> usize {
    proof.layout.tables.iter().position(|table| table.kind == *kind).unwrap()
}

#[test]
fn honest_proofs_hold() {
    let Honest { statement, proof } = cairo0();
    let verified = verify(statement, &proof.encode(), &Policy::default()).unwrap();
    assert_eq!(verified.n_steps, 47);
    assert_eq!(verified.output[..3], statement.arguments[..]);
    assert!(verified.conjectured_bits >= 96.0 && verified.proven_bits >= 50.0);

    let Honest { statement, proof } = other();
    let verified = verify(statement, &proof.encode(), &Policy::default()).unwrap();
    assert_eq!(verified.output, [10, 55].map(Felt::from));
}

/// What a program declares and does not use costs nothing: no table, and the proof shows the same.
#[test]
fn declared_builtins_need_not_be_used() {
    let Honest { statement, proof } = honest("cairo0/all_builtins_unused", "[]");
    assert_eq!(statement.program.builtins(), Builtin::ALL);
    let is_builtins = |kind: &&TableKind| matches!(kind.component().occurrence(), Occurrence::Builtin(_));
    assert_eq!(proof.layout.kinds().find(is_builtins), None);
    let verified = verify(&statement, &proof.encode(), &Policy::default()).unwrap();
    assert_eq!((verified.output, verified.n_steps), (vec![Felt::from(11)], 16));

    // A segment that is claimed and has no table is refused, whatever the builtin.
    for (index, builtin) in Builtin::ALL.into_iter().enumerate().skip(1) {
        let mut forged = proof.clone();
        forged.claim.segments[index].base -= builtin.cells_per_instance();
        let error = verify(&statement, &forged.encode(), &Policy::default()).unwrap_err();
        let is_refused = match error {
            VerifyError::Layout(LayoutError::BuiltinTables { builtin: found, .. }) => found == builtin,
            VerifyError::Layout(LayoutError::RangeTables { .. }) => builtin == Builtin::RangeCheck,
            _ => false,
        };
        assert!(is_refused, "{builtin}: {error}");
    }
}

/// The layout alone refuses it, before any table is constructed.
#[test]
fn layouts_demand_a_table_for_every_instance() {
    let Honest { statement, proof } = honest("cairo0/all_builtins_unused", "[]");
    for (index, builtin) in Builtin::ALL.into_iter().enumerate().skip(1) {
        let mut claim = proof.claim.clone();
        claim.segments[index].stop += builtin.cells_per_instance();
        let refused = proof.layout.check(&statement.program, &claim);
        assert!(
            matches!(
                refused,
                Err(LayoutError::BuiltinTables { found: 0, expected: 1, .. } | LayoutError::RangeTables { .. })
            ),
            "{builtin}: {refused:?}"
        );
    }
}

/// Without output, and even without builtins, a proof shows that the program ran to its end in so many steps.
#[test]
fn programs_without_output() {
    for (name, builtins) in [("cairo0/no_output", &[Builtin::RangeCheck][..]), ("cairo0/no_builtins", &[])] {
        let Honest { statement, proof } = honest(name, "[]");
        assert_eq!(statement.program.builtins(), builtins);
        let verified = verify(&statement, &proof.encode(), &Policy::default()).unwrap();
        assert_eq!((verified.output, verified.n_steps), (Vec::new(), 6), "{name}");

        // Nothing is said about arguments, so there can be none.
        let (mut statement, mut proof) = (statement, proof);
        statement.arguments.push(Felt::one());
        proof.arguments_hash = statement.arguments_hash();
        let refusal = verify(&statement, &proof.encode(), &Policy::default());
        refused!(refusal, VerifyError::Claim(ClaimError::OutputTooShort { output: 0, arguments: 1 }));
        proof.claim.output.push(Felt::one());
        let refusal = verify(&statement, &proof.encode(), &Policy::default());
        refused!(refusal, VerifyError::Claim(ClaimError::OutputLength { found: 1, expected: 0 }));
    }
}

#[test]
fn threads_do_not_change_the_proof() {
    let proof = |threads| {
        let options =
            Options { parameters: Preset::Bench96.parameters(), threads: Some(threads), ..Options::default() };
        prove(execution("cairo0/sum_to_n", Some(SUM_ARGUMENTS)), PROVER, &options, &NoControl).unwrap()
    };
    assert_eq!(proof(1), proof(3));
    assert_eq!(&proof(2), &other().proof);
}

#[test]
fn file_encoding_is_an_inverse() {
    for proof in [&cairo0().proof, &other().proof] {
        assert_eq!(CairoProof::decode(&proof.encode()).as_ref(), Ok(proof));
    }
}

#[test]
fn other_statements_are_refused_by_name() {
    let Honest { statement, proof } = cairo0();
    let bytes = proof.encode();
    let check = |change: &dyn Fn(&mut Statement)| {
        let mut statement = statement.clone();
        change(&mut statement);
        verify(&statement, &bytes, &Policy::default()).map(|_| ())
    };
    refused!(check(&|s| s.program = other().statement.program.clone()), VerifyError::OtherProgram { .. });
    refused!(check(&|s| s.arguments[1] += Felt::one()), VerifyError::OtherArguments { .. });
    refused!(check(&|s| s.arguments.push(Felt::zero())), VerifyError::OtherArguments { .. });
    refused!(check(&|s| s.prover[31] ^= 1), VerifyError::OtherProver { .. });

    // Writing what the verifier wants to see into the header does not help: the transcript absorbs the statement.
    let Honest { statement, proof } = other();
    let (mut statement, mut proof) = (statement.clone(), proof.clone());
    statement.prover[0] ^= 1;
    proof.prover = statement.prover;
    refused!(verify(&statement, &proof.encode(), &Policy::default()), VerifyError::Stark(_));
    statement.arguments[0] += Felt::one();
    proof.arguments_hash = statement.arguments_hash();
    let refusal = verify(&statement, &proof.encode(), &Policy::default());
    refused!(refusal, VerifyError::Claim(ClaimError::OutputPrefix { index: 0, .. }));
    proof.claim.output[0] += Felt::one();
    refused!(verify(&statement, &proof.encode(), &Policy::default()), VerifyError::Stark(_));
}

#[test]
fn policy() {
    let Honest { statement, proof } = cairo0();
    let bytes = proof.encode();
    let check = |policy: Policy| {
        verify(statement, &bytes, &policy).map(|_| ()).map_err(|error| match error {
            VerifyError::Policy(error) => error,
            other => panic!("{other}"),
        })
    };
    let policy = Policy::default();
    refused!(check(Policy { max_proof_bytes: bytes.len() - 1, ..policy }), PolicyError::ProofBytes { .. });
    refused!(check(Policy { max_steps: 46, ..policy }), PolicyError::Steps { found: 47, limit: 46 });
    refused!(check(Policy { min_conjectured_bits: 100.0, ..policy }), PolicyError::ConjecturedBits { .. });
    refused!(check(Policy { min_conjectured_bits: f64::NAN, ..policy }), PolicyError::ConjecturedBits { .. });
    refused!(check(Policy { min_proven_bits: 100.0, ..policy }), PolicyError::ProvenBits { .. });
    assert_eq!(check(Policy { max_proof_bytes: bytes.len(), max_steps: 47, ..policy }), Ok(()));
}

#[test]
fn files() {
    let honest = cairo0();
    let bytes = honest.proof.encode();
    let with = |at: usize, new: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        honest.bytes(&bytes).map_err(|error| match error {
            VerifyError::File(error) => error,
            other => panic!("{other}"),
        })
    };
    // Magic, version, three hashes, parameters; then the claim: steps, ap, end of owned cells, segments, arguments, output; then
    // the layout.
    let (parameters, claim) = (12 + 96, 12 + 96 + 16);
    let (flag, output) = (claim + 16 + 8 + 3 * 8, claim + 16 + 8 + 3 * 8 + 5);
    // A list of fetches, empty here, comes between.
    let layout = output + 8 + 32 * honest.proof.claim.output.len() + 8;
    refused!(with(0, b"x"), ProofFileError::Magic);
    refused!(with(8, &[1]), ProofFileError::Version(1));
    refused!(with(parameters, &[9]), ProofFileError::Parameters(_));
    refused!(with(claim + 16, &[12]), ProofFileError::Codec(CodecError::TooLong { .. }));
    refused!(with(flag, &[2]), ProofFileError::Codec(CodecError::Unknown { .. }));
    refused!(with(flag + 1, &[1]), ProofFileError::Codec(CodecError::Unknown { .. }));
    let too_long = (MAX_OUTPUT as u64 + 1).to_le_bytes();
    refused!(with(output, &too_long), ProofFileError::Codec(CodecError::TooLong { .. }));
    refused!(with(output, &(MAX_OUTPUT as u64).to_le_bytes()), ProofFileError::Codec(CodecError::Truncated { .. }));
    refused!(with(output + 8, &[255; 32]), ProofFileError::Codec(CodecError::NonCanonical { .. }));
    refused!(with(layout, &(MAX_TABLES as u64 + 1).to_le_bytes()), ProofFileError::Codec(CodecError::TooLong { .. }));
    refused!(with(layout + 8, &[99]), ProofFileError::Codec(CodecError::Unknown { .. }));
    refused!(with(layout + 8, &[4, 0, 0, 3]), ProofFileError::Codec(CodecError::Derived { position: 0, .. }));
    for length in 0..layout {
        let error = honest.bytes(&bytes[..length]);
        refused!(error, VerifyError::File(ProofFileError::Magic | ProofFileError::Codec(CodecError::Truncated { .. })));
    }
}

#[test]
fn claims() {
    let honest = cairo0();
    let refuse = |change: &dyn Fn(&mut CairoProof)| match honest.changed(change) {
        Err(VerifyError::Claim(error)) => error,
        other => panic!("{other:?}"),
    };
    let range_check = honest.proof.claim.segments[1];
    assert_eq!(refuse(&|p| p.claim.n_steps = 0), ClaimError::Steps(0));
    assert_eq!(refuse(&|p| p.claim.n_steps = (1 << 40) + 1), ClaimError::Steps((1 << 40) + 1));
    assert!(matches!(refuse(&|p| p.claim.final_ap = 5), ClaimError::FinalAp { found: 5, .. }));
    assert_eq!(refuse(&|p| p.claim.segments.truncate(2)), ClaimError::SegmentCount { found: 2, expected: 3 });
    let (base, stop) = (range_check.stop + 1, range_check.stop);
    let error = ClaimError::SegmentOrder { builtin: Builtin::RangeCheck, base, stop };
    assert_eq!(refuse(&|p| p.claim.segments[1] = Segment { base, stop }), error);
    assert!(matches!(refuse(&|p| p.claim.segments[1].base = 0), ClaimError::SegmentOrder { .. }));
    let error = ClaimError::SegmentSize { builtin: Builtin::Bitwise, cells: 6, instance: 5 };
    assert_eq!(refuse(&|p| p.claim.segments[2].stop += 1), error);
    assert!(matches!(refuse(&|p| p.claim.output.push(Felt::zero())), ClaimError::OutputLength { .. }));
    let shorten = |p: &mut CairoProof| {
        p.claim.output.truncate(2);
        p.claim.segments[0].stop = p.claim.segments[0].base + 2;
    };
    assert_eq!(refuse(&shorten), ClaimError::OutputTooShort { output: 2, arguments: 3 });
    assert!(matches!(refuse(&|p| p.claim.output[2] += Felt::one()), ClaimError::OutputPrefix { index: 2, .. }));
    assert_eq!(refuse(&|p| p.claim.arguments_start = Some(9)), ClaimError::ArgumentsStartUnexpected);
    assert!(matches!(refuse(&|p| p.claim.final_ap = 1 << 20), ClaimError::OutsideMemory { what: "final ap", .. }));
    let far = Segment { base: 1 << 20, stop: (1 << 20) + 3 };
    assert!(matches!(
        refuse(&|p| p.claim.segments[1] = far),
        ClaimError::OutsideMemory { what: "builtin segment", .. }
    ));
    assert_eq!(refuse(&|p| p.claim.owned_end = 0), ClaimError::OwnedEnd);
    let outside = refuse(&|p| p.layout.tables.retain(|table| table.kind != TableKind::Memory));
    assert!(matches!(outside, ClaimError::OutsideMemory { what: "program", .. }));
    let mut long = honest.proof.claim.clone();
    long.output = vec![Felt::zero(); MAX_OUTPUT + 1];
    let error = long.check(&honest.statement.program, &honest.statement.arguments, 1 << 30);
    assert_eq!(error, Err(ClaimError::OutputTooLong(MAX_OUTPUT + 1)));
}

/// A claim that is possible, but not what was proven.
#[test]
fn false_claims() {
    let honest = cairo0();
    let changes: [fn(&mut CairoProof); 5] = [
        |p| p.claim.n_steps += 1,
        |p| p.claim.n_steps -= 1,
        |p| p.claim.final_ap += 1,
        |p| p.claim.output[3] += Felt::one(),
        |p| p.claim.segments[1].stop -= 1,
    ];
    for change in changes {
        refused!(honest.changed(change), VerifyError::Stark(_));
    }
}

#[test]
fn layouts() {
    let honest = cairo0();
    let refuse = |change: &dyn Fn(&mut CairoProof)| match honest.changed(change) {
        Err(VerifyError::Layout(error)) => error,
        other => panic!("{other:?}"),
    };
    let insert = |p: &mut CairoProof, kind: TableKind, log_height, copies: usize| {
        let entries = std::iter::repeat_n(TableEntry { kind, log_height }, copies);
        p.layout.tables.extend(entries);
        p.layout.tables.sort_by(|a, b| a.kind.cmp(&b.kind));
    };
    let remove = |p: &mut CairoProof, kind: TableKind| p.layout.tables.retain(|table| table.kind != kind);

    assert!(matches!(refuse(&|p| p.layout.tables.swap(0, 1)), LayoutError::Order { position: 1, .. }));
    // Bytes that stand for kinds are not in the order of kinds.
    let position = honest.proof.layout.tables.len();
    for (kind, log_height) in [(TableKind::Limb(Limb::Bits12), 12), (TableKind::RangeCheck(Limbs::Words12), 6)] {
        let error = refuse(&|p| p.layout.tables.push(TableEntry { kind: kind.clone(), log_height }));
        assert!(matches!(error, LayoutError::Order { position: found, .. } if found == position), "{error}");
    }
    let error = refuse(&|p| insert(p, TableKind::Memory, 6, MAX_CHUNKS));
    assert!(matches!(error, LayoutError::TooMany { found: 5, limit: 4, .. }));
    assert!(matches!(
        refuse(&|p| insert(p, TableKind::Limb(Limb::Bits8), 8, 1)),
        LayoutError::TooMany { found: 2, limit: 1, .. }
    ));
    let height = |p: &mut CairoProof, kind, log_height| {
        let position = index(p, &kind);
        p.layout.tables[position].log_height = log_height;
    };
    assert!(matches!(refuse(&|p| height(p, TableKind::Limb(Limb::Bits8), 9)), LayoutError::Height { found: 9, .. }));
    assert!(matches!(refuse(&|p| height(p, TableKind::Generic, 31)), LayoutError::Height { found: 31, .. }));
    assert!(matches!(refuse(&|p| height(p, TableKind::Memory, 255)), LayoutError::Height { found: 255, .. }));
    assert!(
        matches!(refuse(&|p| height(p, TableKind::Memory, 30)), LayoutError::TooMuchMemory(cells) if cells > MAX_CELLS)
    );
    let error = refuse(&|p| height(p, TableKind::Generic, 5));
    assert!(matches!(error, LayoutError::Tables(TableError::Height { log_height: 5, .. })));
    for kind in [TableKind::RangeCheck(Limbs::Bytes), TableKind::Bitwise(BitwiseSize::Bits16)] {
        let error = refuse(&|p| remove(p, kind.clone()));
        assert!(matches!(error, LayoutError::BuiltinTables { expected: 1, found: 0, .. }), "{error}");
    }
    for kind in [TableKind::RangeCheck(Limbs::Words12), TableKind::RangeCheck(Limbs::Words16)] {
        let error = refuse(&|p| insert(p, kind.clone(), 6, 1));
        let builtin = Builtin::RangeCheck;
        assert!(matches!(error, LayoutError::BuiltinTables { builtin: b, expected: 1, found: 2, .. } if b == builtin));
    }
    let error = refuse(&|p| insert(p, TableKind::Bitwise(BitwiseSize::Any), 6, 1));
    assert!(matches!(error, LayoutError::BuiltinTables { builtin: Builtin::Bitwise, expected: 1, found: 2, .. }));
    let empty = |p: &mut CairoProof| p.claim.segments[1].stop = p.claim.segments[1].base;
    assert!(matches!(refuse(&empty), LayoutError::BuiltinTables { cells: 0, expected: 0, found: 1, .. }));
    for (kind, bus) in [
        (TableKind::Instruction, buses::INSTRUCTION),
        (TableKind::Limb(Limb::Bits8), buses::BYTE),
        (TableKind::NibbleAnd, buses::NIBBLE_AND),
    ] {
        assert_eq!(refuse(&|p| remove(p, kind.clone())), LayoutError::Provider { bus, expected: 1, found: 0 });
    }
    for (kind, log_height, bus) in
        [(TableKind::Limb(Limb::Bits16), 16, buses::WORD16), (TableKind::Limb(Limb::Bits12), 12, buses::WORD12)]
    {
        let error = refuse(&|p| insert(p, kind.clone(), log_height, 1));
        assert_eq!(error, LayoutError::Provider { bus, expected: 0, found: 1 });
    }
    let word = |flags| TableKind::Word(Word { flags, taken: None });
    assert!(matches!(refuse(&|p| insert(p, word(0x7fff), 6, 1)), LayoutError::Component { .. }));
    let path = |pc| {
        TableKind::Path(Path {
            pc,
            frame: None,
            steps: 256,
            taken: Vec::new(),
            targets: Vec::new(),
            returns: Vec::new(),
            owned: Vec::new(),
        })
    };
    let error = refuse(&|p| (1..40).for_each(|pc| insert(p, path(pc), 6, 1)));
    assert_eq!(error, LayoutError::TooManyDerivedSteps(39 * 256));

    // A cell that a path provides counts as a step, one that it keeps to itself does not.
    let owning = |pc, steps, cells, uses| {
        let owned = vec![uses; cells];
        TableKind::Path(Path {
            pc,
            frame: None,
            steps,
            taken: Vec::new(),
            targets: Vec::new(),
            returns: Vec::new(),
            owned,
        })
    };
    let two = |p: &mut CairoProof, steps: u32, cells: usize, uses: u8| {
        insert(p, owning(7, 1, 1024, uses), 6, 1);
        insert(p, owning(8, steps, cells, uses), 6, 1);
    };
    assert_eq!(refuse(&|p| two(p, 1, 1024, 1)), LayoutError::TooManyDerivedSteps(2 * 1025));
    assert_eq!(refuse(&|p| two(p, 1, 1023, 1)), LayoutError::TooManyDerivedSteps(2049));
    assert_eq!(refuse(&|p| two(p, 24, 1000, 1)), LayoutError::TooManyDerivedSteps(2049));
    for (steps, cells, uses) in [(1, 1022, 1), (23, 1000, 1), (256, 1024, 0)] {
        // Within the limit; of course there are no such paths.
        let error = refuse(&|p| two(p, steps, cells, uses));
        assert!(matches!(error, LayoutError::Component { .. }), "{error}");
    }

    // A program without the builtin.
    let bitwise = TableEntry { kind: TableKind::Bitwise(BitwiseSize::Any), log_height: 6 };
    let error = other().changed(|p| p.layout.tables.push(bitwise));
    refused!(error, VerifyError::Layout(LayoutError::BuiltinTables { cells: 0, expected: 0, found: 1, .. }));

    // Limits that a file cannot reach, because reading it enforces them or because there are not that many kinds.
    let mut layout = honest.proof.layout.clone();
    layout.tables = std::iter::repeat_n(layout.tables[0].clone(), MAX_TABLES + 1).collect();
    let (program, claim) = (&honest.statement.program, &honest.proof.claim);
    assert!(matches!(layout.build(program, claim), Err(LayoutError::TooManyTables(_))));
}

/// A run whose cells all have owners: it needs no memory table, and may not have one.
#[test]
fn layouts_without_memory_tables() {
    let execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
    let costs = Costs { disclosed_terms: 0, ..Costs::new(&execution, DEFAULT_COLUMNS) };
    let tables = plan(&execution, &costs).tables;
    let witness = witness(execution, PROVER, tables, MAX_FETCHES, &NoControl).unwrap();
    let honest = Honest { statement: witness.statement.clone(), proof: proof_of(witness) };
    assert_eq!(honest.bytes(&honest.proof.encode()), Ok(()));
    let Claim { owned_end, final_ap, .. } = honest.proof.claim;
    let kinds: Vec<&TableKind> = honest.proof.layout.kinds().collect();
    assert!(!kinds.contains(&&TableKind::Memory) && kinds.contains(&&TableKind::Cell), "{kinds:?}");
    assert!(kinds.iter().any(|kind| matches!(kind, TableKind::Path(path) if path.owned.iter().any(|uses| *uses > 0))));
    assert_eq!(honest.proof.layout.memory_end(owned_end), u64::from(owned_end));
    assert_eq!(honest.proof.layout.memory_end(u32::MAX), u64::from(u32::MAX));

    // What is public must lie below the end, as if it were that of memory.
    let refuse = |change: &dyn Fn(&mut CairoProof)| match honest.changed(change) {
        Err(VerifyError::Claim(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refuse(&|p| p.claim.owned_end = 0), ClaimError::OwnedEnd);
    let outside = |what, address: u32, end: u32| ClaimError::OutsideMemory {
        what,
        address: u64::from(address),
        end: u64::from(end),
    };
    let last = honest.statement.program.initial_ap() - 1;
    assert_eq!(refuse(&|p| p.claim.owned_end = 1), outside("program", last, 1));
    assert_eq!(refuse(&|p| p.claim.owned_end = final_ap - 1), outside("final ap", final_ap - 1, final_ap - 1));
    let stop = honest.proof.claim.segments[0].stop;
    assert_eq!(refuse(&|p| p.claim.owned_end = stop - 1), outside("builtin segment", stop - 1, stop - 1));
    assert_eq!(refuse(&|p| p.claim.final_ap = owned_end + 1), outside("final ap", owned_end, owned_end));
    // Any other end is possible, but not what was proven.
    for end in [owned_end + 1, 1 << 31, u32::MAX] {
        refused!(honest.changed(|p| p.claim.owned_end = end), VerifyError::Stark(stark::VerifyError::Grinding));
    }
    // With memory tables addresses end at 2^32.
    let with_memory = |end: u32, log_height| {
        honest.changed(|p| {
            p.claim.owned_end = end;
            p.layout.tables.insert(0, TableEntry { kind: TableKind::Memory, log_height });
        })
    };
    let most = (MAX_CELLS - (8 << 6)) as u32;
    let too_much = VerifyError::Layout(LayoutError::TooMuchMemory(MAX_CELLS + 1));
    assert_eq!(with_memory(most + 1, 6), Err(too_much));
    for end in [owned_end, most] {
        refused!(with_memory(end, 6), VerifyError::Decode(_) | VerifyError::Stark(_));
    }
    // More chunks of the cell table than there may be.
    let cells = TableEntry { kind: TableKind::Cell, log_height: 6 };
    let error = honest.changed(|p| {
        let position = index(p, &TableKind::Cell);
        p.layout.tables.splice(position..position, std::iter::repeat_n(cells.clone(), MAX_CHUNKS));
    });
    refused!(error, VerifyError::Layout(LayoutError::TooMany { found: 5, limit: 4, .. }));
}

/// Each size of inputs has its table, and its proofs hold.
#[test]
fn bitwise_of_every_size() {
    for (bits, kind) in [
        (16, TableKind::Bitwise(BitwiseSize::Bits16)),
        (17, TableKind::Bitwise(BitwiseSize::Bits32)),
        (33, TableKind::Bitwise(BitwiseSize::Bits64)),
        (128, TableKind::Bitwise(BitwiseSize::Bits128)),
        (129, TableKind::Bitwise(BitwiseSize::Any)),
        (251, TableKind::Bitwise(BitwiseSize::Any)),
    ] {
        let c = Felt::from(2).pow(bits - 1_u64) + Felt::from(12);
        let arguments =
            format!(r#"{{"a": 5, "b": "340282366920938463463374607431768211461", "c": "{}"}}"#, decimal(&c));
        let Honest { statement, proof } = honest("cairo0/args3", &arguments);
        // Planned without a price for columns, instances are all in one table; else each has a row in one that is wide enough for it.
        let execution = execution("cairo0/args3", Some(&arguments));
        let options = Options { max_columns: Some(135), ..Options::default() };
        let other = prove(execution, statement.prover, &options, &NoControl).unwrap();
        let kinds: Vec<_> = other.layout.tables.iter().map(|table| table.kind.clone()).collect();
        assert!(kinds.contains(&kind), "{bits} bits: {kinds:?}");
        assert_eq!(other.layout.bitwise_rows().count(), 0);
        let widest = proof.layout.bitwise_rows().map(|row| u64::from(row.width())).max().unwrap();
        assert!(widest >= bits && widest < bits + 8, "{bits} bits: {widest}");
        for proof in [proof, other] {
            let verified = verify(&statement, &proof.encode(), &Policy::default()).unwrap();
            // The low half of b is 5.
            assert_eq!(verified.output[4], Felt::from(12 & 5_u64));
        }
    }
}

fn decimal(value: &Felt) -> String {
    let mut digits = Vec::new();
    let mut bytes = felt::encoding::to_canonical_be(value).to_vec();
    while bytes.iter().any(|byte| *byte != 0) {
        let mut rest = 0;
        for byte in &mut bytes {
            let part = rest << 8 | u32::from(*byte);
            (*byte, rest) = ((part / 10) as u8, part % 10);
        }
        digits.push(char::from_digit(rest, 10).unwrap());
    }
    digits.into_iter().rev().collect()
}

/// A run with as many range checks as make words of 12 bits the cheapest limbs.
#[test]
fn layouts_with_12_bit_limbs() {
    const BYTE: TableKind = TableKind::Limb(Limb::Bits8);
    const WORD12: TableKind = TableKind::Limb(Limb::Bits12);
    const WORD16: TableKind = TableKind::Limb(Limb::Bits16);
    const RANGE_CHECK8: TableKind = TableKind::RangeCheck(Limbs::Bytes);
    const RANGE_CHECK12: TableKind = TableKind::RangeCheck(Limbs::Words12);
    const RANGE_CHECK16: TableKind = TableKind::RangeCheck(Limbs::Words16);
    // With memory in memory tables: else range tables check.
    let execution = execution("bench/primes_2p14", None);
    let costs = Costs::new(&execution, DEFAULT_COLUMNS).without_owners(&execution);
    let tables = plan(&execution, &costs).tables;
    let made = witness(execution, PROVER, tables, 0, &NoControl).unwrap();
    let honest = Honest { statement: made.statement.clone(), proof: proof_of(made) };
    assert_eq!(honest.bytes(&honest.proof.encode()), Ok(()));
    let kinds: Vec<&TableKind> = honest.proof.layout.tables.iter().map(|table| &table.kind).collect();
    assert!(kinds.contains(&&RANGE_CHECK12) && kinds.contains(&&WORD12), "{kinds:?}");
    assert!([RANGE_CHECK8, RANGE_CHECK16, WORD16].iter().all(|kind| !kinds.contains(&kind)), "{kinds:?}");

    let refuse = |change: &dyn Fn(&mut Vec<TableEntry>)| match honest.changed(|p| change(&mut p.layout.tables)) {
        Err(VerifyError::Layout(error)) => error,
        other => panic!("{other:?}"),
    };
    let insert = |tables: &mut Vec<TableEntry>, kind: TableKind, log_height| {
        let position = tables.partition_point(|table| table.kind < kind);
        tables.insert(position, TableEntry { kind, log_height });
    };
    let remove = |tables: &mut Vec<TableEntry>, kind: TableKind| tables.retain(|table| table.kind != kind);
    let builtin = |expected, found| match refuse(&|tables| {
        remove(tables, RANGE_CHECK12);
        [RANGE_CHECK8, RANGE_CHECK12, RANGE_CHECK16].into_iter().take(found).for_each(|kind| insert(tables, kind, 11));
    }) {
        LayoutError::BuiltinTables { builtin: Builtin::RangeCheck, expected: e, found: f, .. } => {
            assert_eq!((e, f), (expected, found));
        }
        other => panic!("{other:?}"),
    };
    for found in [0, 2, 3] {
        builtin(1, found);
    }
    let provider = |bus, expected, found| LayoutError::Provider { bus, expected, found };
    assert_eq!(refuse(&|tables| remove(tables, WORD12)), provider(buses::WORD12, 1, 0));
    assert!(matches!(refuse(&|tables| insert(tables, WORD12, 12)), LayoutError::TooMany { found: 2, limit: 1, .. }));
    for log_height in [11, 13] {
        let error = refuse(&|tables| {
            remove(tables, WORD12);
            insert(tables, WORD12, log_height);
        });
        assert!(matches!(error, LayoutError::Height { found, .. } if found == log_height), "{error}");
    }
    // Limbs of other widths: each needs its own table of words, and that of the 12-bit words is then idle.
    for (kind, range, log_height, bus) in
        [(RANGE_CHECK8, BYTE, 8, buses::BYTE), (RANGE_CHECK16, WORD16, 16, buses::WORD16)]
    {
        let replace = |tables: &mut Vec<TableEntry>| {
            remove(tables, RANGE_CHECK12);
            remove(tables, range.clone());
            insert(tables, kind.clone(), 11);
        };
        assert_eq!(refuse(&replace), provider(bus, 1, 0));
        let error = refuse(&|tables| {
            replace(tables);
            insert(tables, range.clone(), log_height);
        });
        assert_eq!(error, provider(buses::WORD12, 0, 1));
    }
}

/// Instructions counted in the claim in place of an instruction table.
#[test]
fn fetches() {
    let honest = listed_witness();
    assert!(!honest.layout.tables.iter().any(|table| table.kind == TableKind::Instruction));
    let (statement, listed) = (honest.statement.clone(), honest.claim.fetches.clone());
    assert!(listed.len() > 10, "{}", listed.len());
    let honest = Honest { statement: statement.clone(), proof: proof_of(honest) };
    assert_eq!(honest.bytes(&honest.proof.encode()), Ok(()));

    let refuse = |change: &dyn Fn(&mut Vec<Fetch>)| match honest.changed(|p| change(&mut p.claim.fetches)) {
        Err(VerifyError::Claim(ClaimError::Fetches(error))) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refuse(&|list| list.swap(0, 1)), FetchError::Order(listed[0].pc));
    assert_eq!(refuse(&|list| list.insert(0, listed[0])), FetchError::Order(listed[0].pc));
    assert_eq!(refuse(&|list| list[3].count = 0), FetchError::Unused(listed[3].pc));
    let end = statement.program.execution_base();
    assert_eq!(refuse(&|list| list.push(Fetch { pc: end, count: 1 })), FetchError::Outside(end));
    let last = Fetch { pc: statement.program.final_pc(), count: 1 };
    let position = listed.partition_point(|fetch| fetch.pc < last.pc);
    assert_eq!(refuse(&|list| list.insert(position, last)), FetchError::Final(last.pc));

    // A table beside the list, a list that nobody reads, and neither.
    let table = TableEntry { kind: TableKind::Instruction, log_height: 6 };
    let both = honest.changed(|p| p.layout.tables.insert(1, table.clone()));
    let provider = |expected, found| LayoutError::Provider { bus: buses::INSTRUCTION, expected, found };
    assert_eq!(both, Err(VerifyError::Layout(provider(0, 1))));
    let idle = honest.changed(|p| p.layout.tables.retain(|table| table.kind != TableKind::Generic));
    assert_eq!(idle, Err(VerifyError::Layout(LayoutError::IdleFetches)));
    let neither = honest.changed(|p| p.claim.fetches.clear());
    assert_eq!(neither, Err(VerifyError::Layout(provider(1, 0))));
    let mut long = honest.proof.clone();
    long.claim.fetches = (1..).take(MAX_FETCHES + 1).map(|pc| Fetch { pc, count: 1 }).collect();
    refused!(honest.bytes(&long.encode()), VerifyError::File(ProofFileError::Codec(CodecError::TooLong { .. })));
}

/// False lists, proven in earnest: the prover commits to each before it draws a challenge.
#[test]
fn false_fetches_do_not_balance() {
    let honest = listed_witness();
    let executed: Vec<u32> = honest.claim.fetches.iter().map(|fetch| fetch.pc).collect();
    let program = honest.statement.program.clone();
    let mut unused = (1..program.execution_base()).map(|pc| Fetch { pc, count: 1 });
    let unused = unused.find(|fetch| !executed.contains(&fetch.pc) && fetch.tuple(&program).is_ok()).unwrap();
    let position = executed.partition_point(|pc| *pc < unused.pc);
    type Change<'a> = &'a dyn Fn(&mut Vec<Fetch>);
    let changes: [Change<'_>; 5] = [
        &|list| list[4].count += 1,
        &|list| list.last_mut().unwrap().count = u32::MAX,
        &|list| {
            list.remove(2);
        },
        &|list| list.insert(position, unused),
        // Nothing wraps at 2^32.
        &|list| list[0].count = list[0].count.wrapping_neg(),
    ];
    for change in changes {
        let mut false_claim = honest.clone();
        change(&mut false_claim.claim.fetches);
        false_claim.public = public_tuples(&false_claim.statement, &false_claim.claim, &false_claim.layout);
        let statement = false_claim.statement.clone();
        let found = verify(&statement, &proof_of(false_claim).encode(), &Policy::default());
        assert_eq!(found, Err(VerifyError::Stark(stark::VerifyError::BusSum)));
    }
    // And a table that executes another instruction than the program has.
    for column in ["immediate", "flag[5]", "offset[1]", "pc"] {
        let mut other = honest.clone();
        let (names, trace) = common::table(&mut other, &TableKind::Generic);
        let column = names.iter().position(|name| name == column).unwrap();
        trace[column][1] += Felt::one();
        let statement = other.statement.clone();
        let found = verify(&statement, &proof_of(other).encode(), &Policy::default());
        assert_eq!(found, Err(VerifyError::Stark(stark::VerifyError::BusSum)));
    }
}

#[test]
fn stark_bytes() {
    let honest = cairo0();
    refused!(honest.changed(|p| p.stark.push(0)), VerifyError::Decode(stark::DecodeError::Length { .. }));
    refused!(
        honest.changed(|p| p.stark.truncate(p.stark.len() - 1)),
        VerifyError::Decode(stark::DecodeError::Length { .. })
    );
    refused!(honest.changed(|p| p.stark.truncate(100)), VerifyError::Decode(stark::DecodeError::Short { .. }));
    let tables = honest.proof.layout.build(&honest.statement.program, &honest.proof.claim).unwrap().tables;
    let shape = Shape::new(&tables, &honest.proof.parameters);
    let mut proof = stark::Proof::decode(&honest.proof.stark, &shape).unwrap();
    proof.totals[0] += Felt::one();
    refused!(honest.changed(|p| p.stark = proof.encode(&shape)), VerifyError::Stark(stark::VerifyError::Grinding));
    // The query indices are read before the transcript is replayed.
    let mut proof = stark::Proof::decode(&honest.proof.stark, &shape).unwrap();
    proof.indices[0] ^= 1 << 63;
    refused!(honest.changed(|p| p.stark = proof.encode(&shape)), VerifyError::Stark(stark::VerifyError::Indices));
    // Other parameters are another transcript, and mostly another length.
    let parameters = Parameters { grinding_bits: 17, ..honest.proof.parameters };
    let policy = Policy { min_conjectured_bits: 0.0, ..Policy::default() };
    let mut weaker = honest.proof.clone();
    weaker.parameters = parameters;
    refused!(verify(&honest.statement, &weaker.encode(), &policy), VerifyError::Stark(_));
}

#[test]
fn memory_limits() {
    let execution = execution("bench/primes_2p14", None);
    let parameters = Preset::Bench96.parameters();
    let limited = |max_memory| {
        let options = Options { parameters, max_memory: Some(max_memory), ..Options::default() };
        prove(execution.clone(), PROVER, &options, &NoControl)
    };
    let needed = |max_memory| match limited(max_memory) {
        Err(ProveError::Memory { estimate, limit }) if limit == max_memory => estimate,
        other => panic!("{max_memory}: {:?}", other.map(|proof| proof.layout)),
    };
    let enough = needed(1);
    assert!(limited(enough).is_ok());
    assert_eq!(needed(enough - 1), enough);
    let steps = plan(&execution, &Costs::new(&execution, DEFAULT_COLUMNS)).tables;
    assert!(enough <= estimate_memory(&execution, &steps, &parameters).unwrap());
    let error = limited(enough - 1).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("MB of memory") && message.contains("smaller runs"), "{message}");
}

/// Where memory is short, bytes give way: the plan takes more columns, and fewer cells.
#[test]
fn memory_is_bought_with_bytes() {
    let execution = execution("bench/cairo0/merge_sort", Some(r#"{"n": 63}"#));
    let parameters = Preset::Bench96.parameters();
    let options = Options { parameters, ..Options::default() };
    let estimate = |byte_ns| {
        let costs = Costs::priced(&execution, DEFAULT_COLUMNS, &Price { byte_ns, parameters });
        estimate_memory(&execution, &plan(&execution, &costs).tables, &parameters).unwrap()
    };
    let (usual, least) = (estimate(options.byte_price_ns), estimate(0));
    assert!(least < usual, "{least} and {usual}");
    let proof = |max_memory| {
        let options = Options { max_memory: Some(max_memory), ..options };
        prove(execution.clone(), PROVER, &options, &NoControl).unwrap().encode().len()
    };
    assert!(proof(usual - 1) > proof(usual));
}

/// Every single bit before the STARK proof, and many within it, matters; none makes the verifier panic.
#[test]
fn every_bit_counts() {
    let honest = cairo0();
    let bytes = honest.proof.encode();
    let head = bytes.len() - honest.proof.stark.len();
    let within = (head..bytes.len()).step_by(bytes.len() / 100);
    for (number, at) in (0..head).chain(within).enumerate() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (number % 8);
        assert!(honest.bytes(&changed).is_err(), "byte {at} does not count");
    }
}

/// The prover proves whatever it is given; the verifier must not believe a false witness.
#[test]
fn proofs_of_false_witnesses_are_refused() {
    let honest = common::generic_witness(execution("cairo0/sum_to_n", Some(SUM_ARGUMENTS)));
    let pranks = [
        (TableKind::Generic, "res", stark::VerifyError::Constraints(7)),
        (TableKind::Generic, "clock", stark::VerifyError::BusSum),
        (TableKind::Memory, "address", stark::VerifyError::Constraints(0)),
        (TableKind::Memory, "value[3]", stark::VerifyError::BusSum),
        (TableKind::Instruction, "multiplicity", stark::VerifyError::BusSum),
    ];
    for (kind, column, expected) in pranks {
        let mut witness = honest.clone();
        let (names, trace) = common::table(&mut witness, &kind);
        let column = names.iter().position(|name| name == column).unwrap();
        trace[column][1] += Felt::one();
        let log_height = trace[column].len().ilog2();
        let expected = match expected {
            stark::VerifyError::Constraints(_) => stark::VerifyError::Constraints(log_height),
            other => other,
        };
        let statement = witness.statement.clone();
        let found = verify(&statement, &proof_of(witness).encode(), &Policy::default());
        match found {
            Err(VerifyError::Stark(found)) if found == stark::VerifyError::BusSum || found == expected => {}
            other => panic!("{kind}/{column}: {other:?}"),
        }
    }
}
