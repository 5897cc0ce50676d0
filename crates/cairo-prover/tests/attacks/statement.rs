//! Another program, other arguments, another output, another prover.

use super::*;

/// The forger's tools make a good proof of a true claim: refusals below are not theirs.
#[test]
fn the_forger_can_tell_the_truth() {
    for witness in [honest(), honest12(), planned(), planned_with_memory()] {
        let mut forger = Forger::new(witness);
        let checks = |entry: &TableEntry| {
            matches!(entry.kind, TableKind::RangeCheck(Limbs::Bytes) | TableKind::RangeCheck(Limbs::Words12))
        };
        if witness.layout.tables.iter().any(checks) {
            for address in 1..u64::from(witness.claim.runs[0].final_ap) {
                let value = forger.memory(address);
                forger.set_memory(address, value);
            }
            forger.solve_res();
        }
        let verified = forger.try_it().unwrap();
        assert_eq!(
            (verified.runs[0].n_steps, verified.runs[0].output.clone()),
            (witness.claim.runs[0].n_steps, witness.claim.runs[0].output.clone())
        );
    }
}

/// Every word of the program that the run executes as an immediate, and every operation word, changed by one bit.
#[test]
fn other_program() {
    let bytecode = honest().statement.program.bytecode().to_vec();
    let mut refused = 0;
    for index in 6..bytecode.len() {
        let mut words = bytecode.clone();
        words[index] += small(1);
        let program = honest().statement.program.clone();
        let program = Program::new(words.clone(), program.builtins().to_vec(), program.arguments()).unwrap();
        let mut forger = Forger::new(honest());
        let unused = forger.column(&TableKind::Memory, &format!("multiplicity[{}]", index % memory::CELLS))
            [index / memory::CELLS]
            == small(1);
        forger.0.statement.program = program;
        forger.set_memory(1 + index as u64, words[index]);
        forger.solve_res();
        match forger.try_it() {
            // Words that this run never looks at may be anything: then the other program has the same run.
            Ok(_) => assert!(unused, "word {index}"),
            Err(VerifyError::Stark(_)) => {
                assert!(!unused, "word {index}");
                refused += 1;
            }
            Err(other) => panic!("word {index}: {other}"),
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn other_arguments() {
    for argument in 0..3 {
        let mut forger = Forger::new(honest());
        let value = forger.0.statement.runs[0][argument] + small(1);
        forger.0.statement.runs[0][argument] = value;
        forger.0.claim.runs[0].output[argument] = value;
        let output = u64::from(forger.0.claim.runs[0].segments[0].base) + argument as u64;
        forger.set_memory(output, value);
        forger.solve_res();
        forger.refused();
    }
}

/// A program that holds pointers to its arguments: here the cells are those of the builtins' bases, which happen to be the
/// start and the end of the output.
#[test]
fn arguments_behind_pointers() {
    let arguments = r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#;
    let mut execution: Execution = execution("cairo0/args3", Some(arguments));
    let [output, range_check] = [Builtin::Output, Builtin::RangeCheck].map(|builtin| execution.segments[&builtin]);
    assert_eq!(output.stop, range_check.base);
    let program = &execution.program;
    let (words, builtins) = (program.bytecode().to_vec(), program.builtins().to_vec());
    execution.program = Program::new(words, builtins, ArgumentBinding::Pointers { cell: 0 }).unwrap();
    execution.arguments = execution.output().to_vec();
    execution.arguments_start = Some(output.base);
    let honest = generic_witness(execution);
    assert!(Forger::new(&honest).try_it().is_ok());
    let pointers = u64::from(honest.statement.program.initial_ap());

    for index in 0..honest.statement.runs[0].len() {
        let mut forger = Forger::new(&honest);
        let value = forger.0.statement.runs[0][index] + small(1);
        forger.0.statement.runs[0][index] = value;
        forger.0.claim.runs[0].output[index] = value;
        forger.set_memory(u64::from(output.base) + index as u64, value);
        forger.refused();
    }
    for (start, count) in [(0, 4), (0, 6), (1, 4), (1, 5), (0, 0), (5, 0)] {
        for with_memory in [false, true] {
            let mut forger = Forger::new(&honest);
            let start = u64::from(output.base) + start;
            forger.0.claim.runs[0].arguments_start = Some(start as u32);
            forger.0.statement.runs[0] = (start..start + count).map(|address| forger.memory(address)).collect();
            if with_memory {
                forger.set_memory(pointers, small(start));
                forger.set_memory(pointers + 1, small(start + count));
            }
            forger.refused();
        }
    }
    // No arguments at address 0 are none at all, but the pointers do not say so.
    let mut forger = Forger::new(&honest);
    forger.0.claim.runs[0].arguments_start = Some(0);
    forger.0.statement.runs[0].clear();
    forger.refused();
}

#[test]
fn changed_output() {
    for (index, with_res) in [(3, false), (3, true), (4, false), (4, true)] {
        let mut forger = Forger::new(honest());
        let value = forger.0.claim.runs[0].output[index] + small(1);
        forger.0.claim.runs[0].output[index] = value;
        let output = u64::from(forger.0.claim.runs[0].segments[0].base) + index as u64;
        forger.set_memory(output, value);
        if with_res {
            forger.solve_res();
        }
        forger.refused();
    }
    // On path tables, with the output in rows of its own and in a memory table.
    for witness in [planned(), planned_with_memory()] {
        for with_uses in [false, true] {
            let mut forger = Forger::new(witness);
            let index = forger.0.claim.runs[0].output.len() - 1;
            forger.0.claim.runs[0].output[index] += small(1);
            let address = u64::from(forger.0.claim.runs[0].segments[0].base) + index as u64;
            let value = forger.0.claim.runs[0].output[index];
            match with_uses {
                false => forger.set_cell(address, value).unwrap(),
                true => forger.set_memory(address, value),
            }
            forger.refused();
        }
    }
}

#[test]
fn other_prover() {
    let mut forger = Forger::new(honest());
    forger.reclaim();
    let mut proof = forger.proof();
    let mut statement: Statement = forger.0.statement.clone();
    statement.prover = [8; 32];
    assert!(matches!(verify(&statement, &proof.encode(), &policy()), Err(VerifyError::OtherProver { .. })));
    proof.prover = statement.prover;
    assert!(matches!(verify(&statement, &proof.encode(), &policy()), Err(VerifyError::Stark(_))));
}

/// The output segment is said to be elsewhere: one cell on, in the program, in the execution segment, over the pointers.
#[test]
fn output_segment_moved() {
    let program = &honest().statement.program;
    let arguments = honest().statement.runs[0].len() as u32;
    let base = honest().claim.runs[0].segments[0].base;
    for base in [base + 1, base - 1, 1, program.execution_base(), program.initial_ap()] {
        for cells in [5, arguments] {
            let mut forger = Forger::new(honest());
            let stop = base + cells;
            forger.0.claim.runs[0].segments[0] = Segment { base, stop };
            for (pointer, value) in forger.pointers(0).into_iter().zip([base, stop]) {
                forger.set_memory(pointer, small(u64::from(value)));
            }
            forger.solve_res();
            let output = (base..stop).map(|address| forger.memory(u64::from(address))).collect();
            forger.0.claim.runs[0].output = output;
            // So that nothing but the run stands in the way: the arguments are whatever the output begins with.
            forger.0.statement.runs[0] = forger.0.claim.runs[0].output[..arguments as usize].to_vec();
            forger.refused();
        }
    }
}

/// One range check or one bitwise instance too few, or a segment that begins later, with the pointers in memory changed.
#[test]
fn stop_pointer_moved() {
    for (position, cells) in [(1, 1), (2, 5)] {
        for at_start in [false, true] {
            for solve in [false, true] {
                let mut forger = Forger::new(honest());
                let segment = &mut forger.0.claim.runs[0].segments[position];
                if at_start {
                    segment.base += cells;
                } else {
                    segment.stop -= cells;
                }
                let Segment { base, stop } = *segment;
                for (pointer, value) in forger.pointers(position as u64).into_iter().zip([base, stop]) {
                    forger.set_memory(pointer, small(u64::from(value)));
                }
                if solve {
                    forger.solve_res();
                }
                if base == stop {
                    forger.drop_tables(|kind| {
                        matches!(kind, TableKind::Bitwise(BitwiseSize::Bits16) | TableKind::NibbleAnd)
                    });
                } else {
                    let kind = if position == 1 {
                        TableKind::RangeCheck(Limbs::Bytes)
                    } else {
                        TableKind::Bitwise(BitwiseSize::Bits16)
                    };
                    for address in forger.column(&kind, "address") {
                        let integer =
                            encoding::to_u64(address).unwrap().clamp(u64::from(base), u64::from(stop - cells));
                        *address = small(integer);
                    }
                }
                forger.refused();
            }
        }
    }
}

/// The prover's public tuples lack one, or have one twice: every one of them.
#[test]
fn public_memory_dropped_or_doubled() {
    let mut forger = Forger::new(honest());
    forger.reclaim();
    let public = forger.0.public.clone();
    let step = public.len() / 12;
    for index in (0..public.len()).step_by(step).chain(0..2).chain(public.len() - 5..public.len()) {
        for copies in [0, 2] {
            let mut forger = Forger::new(honest());
            let tuple = forger.0.public.remove(index);
            forger.0.public.extend(std::iter::repeat_n(tuple, copies));
            forger.balance();
            let proof = forger.proof().encode();
            let result = verify(&forger.0.statement, &proof, &policy());
            assert!(matches!(result, Err(VerifyError::Stark(_))), "tuple {index}: {result:?}");
        }
    }
}

/// A table that takes only one distance of ap and fp, told another one.
#[test]
fn another_frame() {
    let execution: Execution = execution("cairo0/sum_to_n", Some(r#"{"n": 400}"#));
    let mut steps = plan(&execution, &Costs::new(&execution, DEFAULT_COLUMNS)).tables;
    for StepTable { kind, starts, .. } in &mut steps {
        let frame = |clock: &u32| {
            let registers = execution.trace[*clock as usize];
            i64::from(registers.ap) - i64::from(registers.fp)
        };
        if let TableKind::Path(path) = kind
            && starts.iter().all(|clock| frame(clock) == frame(&starts[0]))
        {
            path.frame = Some(frame(&starts[0]) as i32);
        }
    }
    let framed = witness(execution, [7; 32], steps, 0, &NoControl).unwrap();
    assert!(Forger::new(&framed).try_it().is_ok());
    let mut tried = 0;
    for position in 0..framed.layout.tables.len() {
        let TableKind::Path(Path { frame: Some(frame), .. }) = framed.layout.tables[position].kind else { continue };
        for other in [frame + 1, frame - 1, i32::MAX, i32::MIN] {
            let mut forger = Forger::new(&framed);
            if let TableKind::Path(path) = &mut forger.0.layout.tables[position].kind {
                path.frame = Some(other);
            }
            // With another frame other cells are one: then the table has other columns, which only a guess could fill.
            forger.reclaim();
            if forger.0.tables[position].air.width() != forger.0.traces[position].len() {
                continue;
            }
            match forger.try_it() {
                Err(VerifyError::Stark(_)) => tried += 1,
                Err(VerifyError::Layout(LayoutError::Order { .. })) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(tried > 0);
}
