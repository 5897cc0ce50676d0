//! The words with an opcode extension: which cairo-vm 3.2 takes (`decode_instruction`), stated here by what each field may hold.

use super::*;

fn word(number: u128, flags: u16, offsets: [i32; 3]) -> Felt {
    let low = Decoded { flags: Flags(flags), offsets }.encode();
    let [low, high] = [low, 0].map(u128::from);
    let word = (high << 64 | low) + (number << 63);
    Felt::from((word >> 64) as u64) * Felt::from(2).pow(64_u64) + Felt::from(word as u64)
}

/// cairo-vm's rules, field by field.
fn is_taken(number: u128, flags: u16) -> bool {
    let field = |shift: u32, bits: u32| flags >> shift & ((1 << bits) - 1);
    let (source, res, pc, ap, opcode) = (field(2, 3), field(5, 2), field(7, 3), field(10, 2), field(12, 3));
    let moves = matches!(ap, 0 | 2);
    match number {
        1 | 2 => matches!(source, 2 | 4) && res == 0 && pc == 0 && moves && opcode == 0,
        3 => matches!(source, 1 | 2 | 4) && matches!(res, 1 | 2) && pc == 0 && moves && opcode == 4,
        _ => false,
    }
}

#[test]
fn all_flags_of_all_extensions() {
    let mut taken = [0; 6];
    for (number, taken) in (0..).zip(&mut taken) {
        for flags in 0..1 << 15 {
            let word = word(number, flags, [-3, 32767, 1]);
            let extended = Extended::new(&word);
            assert_eq!(extended.is_ok(), is_taken(number, flags), "{number} {flags:#x}: {extended:?}");
            if number > 0 {
                assert!(Decoded::new(&word).is_err());
                assert_eq!(Instruction::new(&word), extended.map(Instruction::Extended));
            }
            if let Ok(extended) = extended {
                assert_eq!(u128::from(extended.extension.number()), number);
                assert_eq!((extended.flags.0, extended.offsets), (flags, [-3, 32767, 1]));
                assert_eq!(extended.encode(), word);
                *taken += 1;
            }
        }
    }
    // dst and op0 at fp or ap, ap moved or not: 8 of each shape.
    assert_eq!(taken, [0, 16, 16, 48, 0, 0]);
}

#[test]
fn words_are_refused_by_name() {
    let two = |bits: u64| Felt::from(2).pow(bits);
    let error = |word: Felt| Instruction::new(&word).expect_err("refused");
    let (qm31, blake) = (0x4028, 0x0008);
    assert!(Instruction::new(&word(3, qm31, [0; 3])).is_ok());
    assert!(Instruction::new(&word(1, blake, [0; 3])).is_ok());
    for number in [4, 5, 1 << 16, (1 << 65) - 1] {
        assert_eq!(error(word(number, qm31, [0; 3])), DecodeError::UnknownExtension, "{number}");
    }
    for high in [two(128), two(200), two(250)] {
        assert_eq!(error(word(3, qm31, [0; 3]) + high), DecodeError::UnknownExtension);
    }
    assert_eq!(error(word(3, blake, [0; 3])), DecodeError::Qm31Flags);
    assert_eq!(error(word(1, qm31, [0; 3])), DecodeError::BlakeFlags);
    assert_eq!(error(word(2, qm31, [0; 3])), DecodeError::BlakeFlags);
    // An immediate is the next word.
    assert_eq!(error(word(3, 0x4024, [0, 0, 2])), DecodeError::Immediate);
    assert!(Instruction::new(&word(3, 0x4024, [0, 0, 1])).is_ok());
    // Without an extension the errors are those of the plain machine.
    assert_eq!(error(word(0, 0x0060, [0; 3])), DecodeError::Res);
    assert!(matches!(Instruction::new(&word(0, 0, [0; 3])), Ok(Instruction::Plain(_))));
}
