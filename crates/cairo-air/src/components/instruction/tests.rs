use super::*;
use crate::decode::Decoded;
use stark::graph::Input;

/// The constraints that fail on a row with these flags and offsets, everything else being right.
fn failures(air: &Air, flags: u16, offsets: [i32; 3]) -> Vec<String> {
    let biased = offsets.map(|offset| (offset + OFFSET_BIAS) as u64);
    let columns = Columns {
        pc: Felt::from(9),
        flag: flag_bits(flags),
        offset_low: biased.map(|offset| Felt::from(offset & 255)),
        offset_high: biased.map(|offset| Felt::from(offset >> 8)),
        immediate: Felt::zero(),
        multiplicity: Felt::one(),
        not_final: Felt::from(4).inv().unwrap_or_default(),
    };
    let row = columns.into_row();
    let values = air.graph().evaluate(|input| match input {
        Input::Main(column) => row[column as usize],
        other => unreachable!("{other:?} in a table without next rows and periodic columns"),
    });
    let failing = air.constraints().iter().filter(|c| values[c.expression.index()] != Felt::zero());
    failing.map(|constraint| constraint.name.clone()).collect()
}

#[test]
fn table_and_decoder_agree_on_all_flag_words() -> Result<(), AirError> {
    let air = air(5)?;
    let mut valid = 0;
    for flags in 0..1 << 15 {
        for offsets in
            [[0, 1, 1], [-2, -1, -1], [-2, 7, -1], [0, 1, -300], [32767, -32768, 1], [0, 2, 1], [1, 1, 1], [-2, 0, 0]]
        {
            let word = Decoded { flags: crate::decode::Flags(flags), offsets }.encode();
            let decoded = Decoded::new(&Felt::from(word));
            let failures = failures(&air, flags, offsets);
            assert_eq!(decoded.is_ok(), failures.is_empty(), "{flags:#x} {offsets:?}: {decoded:?}, {failures:?}");
            if let Ok(decoded) = decoded {
                assert_eq!((decoded.flags.0, decoded.offsets), (flags, offsets));
                valid += 1;
            }
        }
    }
    // A rule that refused everything would agree as well.
    assert!(valid > 3000, "{valid}");
    Ok(())
}

#[test]
fn words_above_63_bits_are_refused() {
    let word = Decoded { flags: crate::decode::Flags(0), offsets: [0; 3] }.encode();
    assert!(Decoded::new(&Felt::from(word)).is_ok());
    assert!(Decoded::new(&Felt::from(word | 1 << 63)).is_err());
    assert!(Decoded::new(&(Felt::from(word) + Felt::from(2).pow(64u64))).is_err());
}
