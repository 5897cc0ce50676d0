//! Several runs in one proof: what lies at the borders between them, files of two versions, and claims that are at odds with each other.

use super::*;
use cairo_execution::{Batch, Pointer, Registers, Relocation};

/// Where the zeros begin that [`guessing`] has behind its code, and how many there are.
const ZEROS: u32 = 10;
const MANY: u32 = 12;

/// A program whose main is `ap += 1; ret`: it returns whatever the prover likes as the builtin's stop pointer, and looks at no instance.
fn guessing(builtin: Builtin) -> Program {
    let header = [0x0407_8001_7fff_7fff_u64, 1, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
    let main = [0x0407_8001_7fff_7fff, 1, 0x208b_7fff_7fff_7ffe];
    let zeros = [0; MANY as usize];
    let words = header.into_iter().chain(main).chain(zeros).map(Felt::from).collect();
    Program::new(words, vec![builtin], ArgumentBinding::OutputPrefix).unwrap()
}

/// A run of it with an instance of add_mod or mul_mod for each of these pairs: how many offsets stand before its own, and its `n`. All values are 0 and
/// all moduli 5. The pointers to values and offsets lead into the program, which is not moved, so instances of two runs may share a batch.
fn guessed(builtin: Builtin, instances: &[(u32, u64)]) -> Execution {
    let program = guessing(builtin);
    let base = program.execution_base();
    let (start, end) = (base + 2, base + 6);
    let stop = end + 7 * instances.len() as u32;
    let mut memory = vec![Felt::zero()];
    memory.extend_from_slice(program.bytecode());
    memory.extend([start, 0, end, start, 5, stop].map(|cell| small(u64::from(cell))));
    for (offsets, n) in instances {
        let pointers = [ZEROS, ZEROS + 3 * offsets].map(|pointer| small(u64::from(pointer)));
        memory.extend([5, 0, 0, 0].map(small));
        memory.extend(pointers);
        memory.push(small(*n));
    }
    let states =
        [(1, start, start), (3, start + 1, start), (7, base + 5, base + 5), (9, end, base + 5), (5, end, start)];
    let segment = |base, stop| cairo_execution::Segment { base, stop };
    let pointers = [(base, 0), (start, 1), (base + 3, 0), (base + 5, 1)];
    let relocation = Relocation {
        segments: vec![segment(base, end), segment(end, stop)],
        pointers: pointers.map(|(cell, segment)| Pointer { cell, segment }).to_vec(),
    };
    Execution {
        program,
        arguments: Vec::new(),
        trace: states.map(|(pc, ap, fp)| Registers { pc, ap, fp }).to_vec(),
        memory,
        segments: BTreeMap::from([(builtin, segment(end, stop))]),
        arguments_start: None,
        signatures: Vec::new(),
        relocation: Some(relocation),
    }
}

/// The same main with output and arguments as in Cairo 2, none of which it looks at.
fn careless(output: &[u64], arguments: &[u64]) -> Execution {
    let words = guessing(Builtin::Output).bytecode().to_vec();
    let program = Program::new(words, vec![Builtin::Output], ArgumentBinding::Pointers { cell: 4 }).unwrap();
    let mut run = guessed(Builtin::Output, &[]);
    let base = program.execution_base();
    let [start, end] = [base + 8, base + 8 + output.len() as u32];
    let last = end + arguments.len() as u32;
    for (cell, value) in [(base + 2, start), (base + 5, end)] {
        run.memory[cell as usize] = small(u64::from(value));
    }
    run.memory.extend([end, last].map(|pointer| small(u64::from(pointer))));
    run.memory.extend(output.iter().chain(arguments).copied().map(small));
    let segment = |base, stop| cairo_execution::Segment { base, stop };
    run.segments.insert(Builtin::Output, segment(start, end));
    let relocation = run.relocation.as_mut().unwrap();
    relocation.segments = vec![segment(base, start), segment(start, end), segment(end, last)];
    relocation.pointers.extend([6, 7].map(|cell| Pointer { cell: base + cell, segment: 2 }));
    Execution { program, arguments: arguments.iter().copied().map(small).collect(), arguments_start: Some(end), ..run }
}

/// Public cells that no step and no table looks at: each is as it must be for every run, the first like the last, or the proof is refused. If the claim or
/// the statement says so too, output and arguments are what they are: this program gives any.
#[test]
fn each_public_cell_of_each_run() {
    let honest = witness_of(&[careless(&[7, 8], &[1]), careless(&[9], &[2, 3]), careless(&[5, 6], &[4])]);
    assert!(Forger::new(&honest).try_it().is_ok());
    let program = &honest.statement.program;
    for (index, run) in honest.claim.runs.iter().enumerate() {
        let (base, start) = (run.execution_base(program), u64::from(run.arguments_start.unwrap()));
        let output = u64::from(run.segments[0].base);
        let arguments = honest.statement.runs[index].len() as u64;
        let mut cells: Vec<u64> = [0, 1, 2, 5, 6, 7].map(|cell| base + cell).to_vec();
        cells.extend(output..output + run.output.len() as u64);
        cells.extend(start..start + arguments);
        for cell in cells {
            let mut forger = Forger::new(&honest);
            let value = forger.memory(cell) + small(1);
            forger.set_memory(cell, value);
            forger.refused();
        }
        let mut forger = Forger::new(&honest);
        forger.set_memory(output, small(77));
        forger.0.claim.runs[index].output[0] = small(77);
        forger.set_memory(start, small(78));
        forger.0.statement.runs[index][0] = small(78);
        assert_eq!(forger.try_it().unwrap().runs[index].output[0], small(77));
    }
}

fn witness_of(runs: &[Execution]) -> Witness {
    let batch = Batch::new(runs).unwrap();
    assert_eq!(batch.check(), Ok(()));
    let steps = all_generic(batch.joined());
    witness(batch, [7; 32], steps, 0, &NoControl).unwrap()
}

/// Joins the instance that ends at `stop`, the last of its run, with the one behind it to a batch: in memory and in the rows.
fn join(forger: &mut Forger, kind: &TableKind, stop: u64) {
    let addresses = forger.column(kind, "address").clone();
    let row = |address: u64| addresses.iter().position(|at| *at == small(address)).unwrap();
    let (last, next) = (row(stop - 7), row(stop));
    forger.set_memory(stop - 1, small(2));
    for (row, column, value) in [(last, "n", 2), (last, "goes_on", 1), (next, "joins", 1)] {
        forger.column(kind, column)[row] = small(value);
    }
}

/// A batch of instances goes on from one run to the next. Everything else about it is right: it is refused for what the verifier demands of memory where a
/// run's part ends, and for nothing else. The same instances in one run are a batch.
#[test]
fn batches_of_two_runs() {
    // By run; the first instance counts its offsets from 0, the second from 3.
    let [one, two, none]: [&[(u32, u64)]; 3] = [&[(0, 1)], &[(1, 1)], &[]];
    let lists: [&[&[(u32, u64)]]; 5] =
        [&[one, two], &[one, none, two], &[none, one, two], &[one, two, none], &[one, none, none, two, none]];
    for (builtin, kind) in [(Builtin::AddMod, TableKind::AddMod), (Builtin::MulMod, TableKind::MulMod)] {
        let together = Forger::new(&witness_of(&[guessed(builtin, &[(0, 2), (1, 1)])]));
        assert!(together.try_it().is_ok(), "{builtin}");
        for instances in lists {
            let runs: Vec<Execution> = instances.iter().map(|instances| guessed(builtin, instances)).collect();
            let honest = witness_of(&runs);
            assert_eq!(Forger::new(&honest).try_it().unwrap().runs.len(), instances.len());
            let first = instances.iter().position(|instances| !instances.is_empty()).unwrap();
            let stop = u64::from(honest.claim.runs[first].segments[0].stop);
            let mut forger = Forger::new(&honest);
            join(&mut forger, &kind, stop);
            Forger::new(&forger.0).refused();
            // What a verifier would say that demands nothing there.
            forger.reclaim();
            let all = forger.0.public.len();
            forger.0.public.retain(|tuple| tuple.bus != buses::MEMORY || tuple.tuple != [small(stop - 1), small(1)]);
            assert_eq!(forger.0.public.len(), all - 1, "{builtin} {instances:?}");
            forger.balance();
            let report = common::report(&forger.0);
            assert!(report.is_clean(), "{builtin} {instances:?}: {report}");
            let Witness { statement, claim, layout, tables, public, .. } = &forger.0;
            let proof = forger.proof();
            let shape = Shape::new(tables, &CHEAP);
            let decoded = stark::Proof::decode(&proof.stark, &shape).unwrap();
            let context = statement.context(claim, layout);
            assert_eq!(stark::verify(tables, public, &context, &CHEAP, &decoded), Ok(()));
            assert!(verify(statement, &proof.encode(), &policy()).is_err());
        }
    }
}

/// A last instance that counts itself alone, as is demanded, and goes on all the same; and one with which the next run's first begins in the middle.
#[test]
fn batches_that_count_wrong_at_a_border() {
    for (builtin, kind) in [(Builtin::AddMod, TableKind::AddMod), (Builtin::MulMod, TableKind::MulMod)] {
        let honest = witness_of(&[guessed(builtin, &[(0, 1)]), guessed(builtin, &[(1, 1)])]);
        let stop = u64::from(honest.claim.runs[0].segments[0].stop);
        for (last, next) in [(1, 0), (1, 1), (2, 0), (1, 2)] {
            for (goes_on, joins) in [(1, 1), (1, 0), (0, 1)] {
                let mut forger = Forger::new(&honest);
                join(&mut forger, &kind, stop);
                forger.set_memory(stop - 1, small(last));
                forger.set_memory(stop + 6, small(next));
                let addresses = forger.column(&kind, "address").clone();
                for (address, n) in [(stop - 7, last), (stop, next)] {
                    let row = addresses.iter().position(|at| *at == small(address)).unwrap();
                    forger.column(&kind, "n")[row] = small(n);
                    let (column, value) = if address < stop { ("goes_on", goes_on) } else { ("joins", joins) };
                    forger.column(&kind, column)[row] = small(value);
                }
                forger.refused();
            }
        }
    }
}

/// The border between two runs' parts moved by an instance, in the claim, and in the stacks as well: then each run has returned what is claimed.
#[test]
fn instances_given_to_another_run() {
    let one: &[(u32, u64)] = &[(0, 1)];
    let honest = witness_of(&[one, one].map(|instances| guessed(Builtin::AddMod, instances)));
    for (with_base, with_stop) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut forger = Forger::new(&honest);
        let [first, second] = forger.0.claim.runs.as_mut_slice() else { unreachable!() };
        first.segments[0].stop += 7;
        second.segments[0].base += 7;
        let border = small(u64::from(first.segments[0].stop));
        let (stop_cell, base_cell) = (u64::from(first.final_ap) - 1, second.initial_ap(&forger.0.statement.program));
        if with_stop {
            forger.set_memory(stop_cell, border);
        }
        if with_base {
            forger.set_memory(base_cell, border);
        }
        let result = forger.try_it();
        // The program returns whatever it is told: moved as a whole, the claim is true.
        assert_eq!(result.is_ok(), with_base && with_stop, "{with_base} {with_stop}: {result:?}");
    }
}

/// Runs with no room of their own: their execution segments overlap, or begin where the one before has its last cells.
#[test]
fn execution_segments_that_overlap() {
    let one: &[(u32, u64)] = &[(0, 1)];
    let honest = witness_of(&[one, one, one].map(|instances| guessed(Builtin::AddMod, instances)));
    let length = honest.claim.runs[1].offset;
    for back in 1..=length {
        for final_ap in [false, true] {
            let mut forger = Forger::new(&honest);
            let run = &mut forger.0.claim.runs[1];
            run.offset -= back;
            if final_ap {
                run.final_ap -= back;
            }
            match forger.try_it() {
                Err(VerifyError::Claim(ClaimError::Run { run: 1, error })) => {
                    assert!(matches!(*error, ClaimError::Offset { .. }), "{error}");
                }
                other => panic!("{back}: {other:?}"),
            }
        }
    }
    // Later than it does, with and without its end.
    for final_ap in [0, 1] {
        let mut forger = Forger::new(&honest);
        let run = &mut forger.0.claim.runs[2];
        run.offset += 1;
        run.final_ap += final_ap;
        forger.refused();
    }
}

/// Three runs of Cairo 2, on lists of the same length.
fn lists() -> &'static Witness {
    static WITNESS: OnceLock<Witness> = OnceLock::new();
    WITNESS.get_or_init(|| {
        let run = |list: &str| execution("cairo2/sum_array", Some(list));
        witness_of(&["[[1, 2, 3]]", "[[30, 20, 10]]", "[[1, 2, 3]]"].map(run))
    })
}

fn pointers_of(forger: &Forger, run: usize) -> u64 {
    let ArgumentBinding::Pointers { cell } = forger.0.statement.program.arguments() else { unreachable!() };
    forger.0.claim.runs[run].initial_ap(&forger.0.statement.program) + u64::from(cell)
}

/// A run's arguments are said to be another's, where they stand or where the other's stand, whatever its pointers are.
#[test]
fn arguments_of_another_run() {
    assert!(Forger::new(lists()).try_it().is_ok());
    for with_start in [false, true] {
        for with_cells in [false, true] {
            for with_output in [false, true] {
                let mut forger = Forger::new(lists());
                forger.0.statement.runs[1] = forger.0.statement.runs[0].clone();
                let start = forger.0.claim.runs[usize::from(!with_start)].arguments_start.unwrap();
                forger.0.claim.runs[1].arguments_start = Some(start);
                let length = forger.0.statement.runs[1].len() as u64;
                if with_cells {
                    let at = pointers_of(&forger, 1);
                    let values = forger.0.statement.runs[1].clone();
                    for (address, value) in [(at, start.into()), (at + 1, u64::from(start) + length)] {
                        forger.set_memory(address, small(value));
                    }
                    for (address, value) in (u64::from(start)..).zip(values) {
                        forger.set_memory(address, value);
                    }
                    forger.solve_res();
                }
                if with_output {
                    forger.0.claim.runs[1].output = forger.0.claim.runs[0].output.clone();
                }
                forger.refused();
            }
        }
    }
    // Two runs exchanged, with the places of their arguments.
    for with_start in [false, true] {
        let mut forger = Forger::new(lists());
        forger.0.statement.runs.swap(0, 1);
        let [first, second, _] = forger.0.claim.runs.as_mut_slice() else { unreachable!() };
        if with_start {
            std::mem::swap(&mut first.arguments_start, &mut second.arguments_start);
        }
        std::mem::swap(&mut first.output, &mut second.output);
        forger.refused();
    }
    // Fewer arguments, none, or more; the first of the next run's among them.
    for length in [0, 1, 3, 5, 8] {
        let mut forger = Forger::new(lists());
        let start = u64::from(forger.0.claim.runs[0].arguments_start.unwrap());
        forger.0.statement.runs[0] =
            (start..start + length).map(|at| forger.cells().get(&at).copied().unwrap_or_default()).collect();
        if forger.0.statement.runs[0] != lists().statement.runs[0] {
            forger.refused();
        }
    }
    let mut forger = Forger::new(lists());
    forger.0.claim.runs[1].arguments_start = None;
    assert!(matches!(forger.try_it(), Err(VerifyError::Claim(ClaimError::Run { run: 1, .. }))));
}

/// A whole proof of the witness as it stands, in that version.
fn file_of(forger: &Forger, version: Version) -> CairoProof {
    let Witness { statement, claim, layout, tables, public, traces } = &forger.0;
    let context = statement.context_in(version, claim, layout);
    let proof = stark::prove(tables, traces.clone(), public, &context, &CHEAP, &NoControl).unwrap();
    let bytes = proof.encode(&Shape::new(tables, &CHEAP));
    CairoProof::new_in(version, statement, CHEAP, claim.clone(), layout.clone(), bytes)
}

/// A proof of one version under the number of the other, with the hash of arguments that the other has or without; and several runs under the number of
/// the version that knows one.
#[test]
fn files_of_the_other_version() {
    let versions = [Version::Single, Version::Batch];
    let forger = Forger::new(honest());
    let statement = &forger.0.statement;
    for (version, other) in versions.into_iter().zip(versions.into_iter().rev()) {
        let file = file_of(&forger, version);
        assert!(verify(statement, &file.encode(), &policy()).is_ok());
        let mut renamed = CairoProof { version: other, ..file };
        let refused = verify(statement, &renamed.encode(), &policy());
        assert!(matches!(refused, Err(VerifyError::OtherArguments { .. })), "{refused:?}");
        renamed.arguments_hash = statement.arguments_hash_in(other);
        let refused = verify(statement, &renamed.encode(), &policy());
        assert!(matches!(refused, Err(VerifyError::Stark(_))), "{refused:?}");
        // The bytes as they are, with the other number.
        let mut bytes = file_of(&forger, version).encode();
        bytes[8..12].copy_from_slice(&other.number().to_le_bytes());
        assert!(verify(statement, &bytes, &policy()).is_err());
    }
    let several = Forger::new(lists());
    let mut first = several.0.statement.clone();
    first.runs.truncate(1);
    let mut file = file_of(&several, Version::Single);
    for statement in [&several.0.statement, &first] {
        file.arguments_hash = statement.arguments_hash_in(Version::Single);
        assert!(verify(statement, &file.encode(), &policy()).is_err());
    }
    // One run that is right, for a statement of two: in version 6 the hash does not count them.
    let mut two = forger.0.statement.clone();
    two.runs.push(two.runs[0].clone());
    for version in versions {
        let mut file = file_of(&forger, version);
        file.arguments_hash = two.arguments_hash_in(version);
        let runs = VerifyError::Claim(ClaimError::Runs { found: 1, expected: 2 });
        assert_eq!(verify(&two, &file.encode(), &policy()), Err(runs));
    }
}

/// Lists of arguments with the same elements, cut at other places, are other statements: so are lists with more or fewer empty ones.
#[test]
fn lists_that_are_cut_elsewhere() {
    let lists: [&[&[u64]]; 18] = [
        &[&[]],
        &[&[], &[]],
        &[&[], &[], &[]],
        &[&[0]],
        &[&[1]],
        &[&[1], &[]],
        &[&[], &[1]],
        &[&[0, 0]],
        &[&[0], &[0]],
        &[&[1, 2]],
        &[&[2, 1]],
        &[&[1], &[2]],
        &[&[2], &[1]],
        &[&[], &[1, 2]],
        &[&[1, 2], &[]],
        &[&[1], &[], &[2]],
        &[&[1, 1, 2]],
        &[&[2, 1, 1, 1, 2]],
    ];
    let program = &honest().statement.program;
    let statement = |runs: &[&[u64]]| Statement {
        program: program.clone(),
        runs: runs.iter().map(|run| run.iter().copied().map(small).collect()).collect(),
        prover: [0; 32],
    };
    let hashes: Vec<[u8; 32]> = lists.iter().map(|runs| statement(runs).arguments_hash()).collect();
    for (at, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..at].contains(hash), "{:?}", lists[at]);
        assert_ne!(*hash, statement(lists[at]).arguments_hash_in(Version::Single), "{:?}", lists[at]);
    }
    // A whole proof of runs without arguments, for more of them and for fewer.
    let one: &[(u32, u64)] = &[];
    let forger = Forger::new(&witness_of(&[one, one].map(|instances| guessed(Builtin::AddMod, instances))));
    let mut file = file_of(&forger, Version::Batch);
    assert!(verify(&forger.0.statement, &file.encode(), &policy()).is_ok());
    for expected in [1, 3] {
        let other = Statement { runs: vec![Vec::new(); expected], ..forger.0.statement.clone() };
        assert!(matches!(verify(&other, &file.encode(), &policy()), Err(VerifyError::OtherArguments { .. })));
        file.arguments_hash = other.arguments_hash();
        let runs = VerifyError::Claim(ClaimError::Runs { found: 2, expected });
        assert_eq!(verify(&other, &file.encode(), &policy()), Err(runs));
    }
}

/// A claim that the transcript did not absorb, statement by statement: the same proof with one field of it changed, where the claim is still possible.
#[test]
fn claims_after_the_proof() {
    let forger = Forger::new(lists());
    let file = file_of(&forger, Version::Batch);
    assert!(verify(&forger.0.statement, &file.encode(), &policy()).is_ok());
    let changes: [&dyn Fn(&mut cairo_air::RunClaim); 4] =
        [&|run| run.n_steps += 1, &|run| run.n_steps -= 1, &|run| run.final_ap += 1, &|run| {
            run.arguments_start = run.arguments_start.map(|start| start + 1);
        }];
    for (run, change) in (0..3).flat_map(|run| changes.iter().map(move |change| (run, change))) {
        let mut file = file.clone();
        change(&mut file.claim.runs[run]);
        assert!(verify(&forger.0.statement, &file.encode(), &policy()).is_err());
    }
}

/// The numbers of two runs at the ends of their ranges: no sum of addresses, clocks or steps wraps, and nothing panics.
#[test]
fn numbers_of_runs_near_the_limits() {
    let forger = Forger::new(lists());
    let honest = file_of(&forger, Version::Batch);
    let ends = [0, 1, 2, 5, (1 << 31) - 1, 1 << 31, u32::MAX - 5, u32::MAX - 1, u32::MAX];
    for (value, other) in ends.into_iter().flat_map(|value| ends.map(|other| (value, other))) {
        let changes: [&dyn Fn(&mut CairoProof); 8] = [
            &|p| (p.claim.runs[1].offset, p.claim.runs[1].final_ap) = (value, other),
            &|p| (p.claim.runs[1].offset, p.claim.runs[2].offset) = (value, other),
            &|p| (p.claim.runs[0].final_ap, p.claim.runs[1].offset) = (value, other),
            &|p| (p.claim.runs[2].offset, p.claim.runs[2].final_ap) = (value, other),
            &|p| (p.claim.runs[0].segments[0].stop, p.claim.runs[1].segments[0].base) = (value, other),
            &|p| (p.claim.runs[2].arguments_start, p.claim.runs[2].offset) = (Some(value), other),
            &|p| (p.claim.runs[0].n_steps, p.claim.runs[1].n_steps) = (value.into(), u64::from(other) << 8),
            &|p| p.claim.runs.iter_mut().for_each(|run| run.n_steps = u64::from(value) << 32 | u64::from(other)),
        ];
        // As many chunks of memory as there can be, so that no address lies outside.
        for (change, chunks) in changes.into_iter().flat_map(|change| [(change, false), (change, true)]) {
            let mut proof = honest.clone();
            change(&mut proof);
            if chunks {
                let chunk = |log_height| TableEntry { kind: TableKind::Memory, log_height };
                proof.layout.tables.splice(0..1, [28, 27, 26, 25].map(chunk));
            }
            if proof != honest {
                assert!(verify(&forger.0.statement, &proof.encode(), &policy()).is_err());
            }
        }
    }
}

/// More steps together than a proof may have, though each run has not too many.
#[test]
fn too_many_steps_together() {
    let most = cairo_air::claim::MAX_STEPS;
    let forger = Forger::new(lists());
    let mut file = file_of(&forger, Version::Batch);
    for (run, steps) in [(0, most - 2), (1, 1), (2, 1)] {
        file.claim.runs[run].n_steps = steps;
    }
    let refused = |file: &CairoProof| verify(&forger.0.statement, &file.encode(), &policy()).unwrap_err();
    assert!(matches!(refused(&file), VerifyError::Stark(_)));
    file.claim.runs[2].n_steps = 2;
    assert_eq!(refused(&file), VerifyError::Claim(ClaimError::Steps(most + 1)));
    // No run is without steps, and a policy bounds each.
    let run = |run, error| VerifyError::Claim(ClaimError::Run { run, error: Box::new(error) });
    file.claim.runs[1].n_steps = 0;
    assert_eq!(refused(&file), run(1, ClaimError::Steps(0)));
    let honest = file_of(&forger, Version::Batch);
    let longest = honest.claim.runs.iter().map(|run| run.n_steps).max().unwrap();
    for (max_steps, is_ok) in [(longest, true), (longest - 1, false)] {
        let bounded = cairo_air::Policy { max_steps, ..policy() };
        assert_eq!(verify(&forger.0.statement, &honest.encode(), &bounded).is_ok(), is_ok);
    }
    let mut last = honest;
    last.claim.runs[2].n_steps += 1 << 20;
    let bounded = cairo_air::Policy { max_steps: longest, ..policy() };
    let refused = verify(&forger.0.statement, &last.encode(), &bounded);
    assert!(matches!(refused, Err(VerifyError::Policy(_))), "{refused:?}");
}

/// The verifier walks from run to run by what it knows: rows whose clocks lead around a run, or back, balance nothing.
#[test]
fn walks_that_go_around_a_run() {
    let one: &[(u32, u64)] = &[(0, 1)];
    let honest = witness_of(&[one, one, one].map(|instances| guessed(Builtin::AddMod, instances)));
    // All runs have the same number of steps, so that the tails of two could be exchanged but for their frames and clocks.
    for (column, runs) in [("next_ap", [0, 1]), ("next_fp", [0, 1]), ("next_pc", [1, 2]), ("clock", [0, 1])] {
        for step in 0..4 {
            let mut forger = Forger::new(&honest);
            let clocks: Vec<u64> = forger.0.claim.clocks().map(|(clock, _)| clock).collect();
            let at = forger.column(&TableKind::Generic, "clock").clone();
            let rows = runs.map(|run| at.iter().position(|clock| *clock == small(clocks[run] + step)).unwrap());
            let cells = forger.column(&TableKind::Generic, column);
            if cells[rows[0]] == cells[rows[1]] {
                continue;
            }
            cells.swap(rows[0], rows[1]);
            let claim = forger.0.claim.clone();
            match forger.try_it() {
                Err(VerifyError::Stark(_)) => {}
                // Rows of one step may stand in any order: with their clocks exchanged alone they are still other rows.
                other => panic!("{column} {step} {claim:?}: {other:?}"),
            }
        }
    }
}
