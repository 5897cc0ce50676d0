//! What travels: ids, field elements, records, signatures, refusals.

#![allow(clippy::unwrap_used, clippy::panic)]

use cairo_air::{ArgumentBinding, Builtin, Program, ProgramError};
use felt::Felt;
use protocol::signing::{program_message, request_message, verify_program};
use protocol::{
    ApiKey, Cause, Digest, ExternalId, FailureCause, Felts, Identity, KeyFileError, LeaseToken, Nonce, Offer, Preset,
    Problem, ProjectName, RecordError, SignatureError, SignedHeaders, Timestamp, UnitId, UnitLimits, UnitState,
    decode_program, encode_program, felt_from_hex, program_hash,
};

fn program() -> Program {
    let words =
        [0x0407_8001_7fff_7fff_u64, 2, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0, 0x208b_7fff_7fff_7ffe];
    let builtins = vec![Builtin::Output, Builtin::RangeCheck];
    Program::new(words.map(Felt::from).to_vec(), builtins, ArgumentBinding::Pointers { cell: 9 }).unwrap()
}

#[test]
fn names_and_ids_are_checked() {
    for good in ["a", "primes", "0-x", &"z".repeat(63)] {
        assert_eq!(good.parse::<ProjectName>().unwrap().to_string(), good);
    }
    for bad in ["", "-a", "A", "a_b", "a/b", "..", "a b", "é", &"z".repeat(64), "a\0"] {
        assert!(bad.parse::<ProjectName>().is_err(), "{bad:?}");
    }
    for bad in ["", " a", "a ", "a\nb", &"z".repeat(201)] {
        assert!(bad.parse::<ExternalId>().is_err(), "{bad:?}");
    }
    let id = UnitId::from_bytes([0xab; 10]);
    assert_eq!(id.to_string(), "abababababababababab");
    assert_eq!("abababababababababab".parse(), Ok(id));
    for bad in [
        "ABABABABABABABABABAB",
        "abababababababababa",
        "ababababababababababab",
        "abababababababababag",
        "../../etc/passwd/././",
    ] {
        assert!(bad.parse::<UnitId>().is_err(), "{bad:?}");
    }
    let error = "../etc".parse::<UnitId>().unwrap_err().to_string();
    assert_eq!(error, "a unit id must be 10 bytes in lower-case hexadecimal, but is `../etc`");
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let token = LeaseToken::from_bytes([0x17; 32]);
    assert_eq!(format!("{token:?}"), "LeaseToken(17171717…)");
    let key = ApiKey::random().unwrap();
    assert!(!format!("{key:?}").contains(&key.reveal()[20..]));
    let identity = Identity::from_seed(&[7; 32]);
    assert_eq!(format!("{identity:?}"), format!("Identity({})", identity.donor_key()));
}

#[test]
fn access_keys_have_one_form() {
    let key = ApiKey::random().unwrap();
    let text = key.reveal();
    assert_eq!(text.parse::<ApiKey>().unwrap(), key);
    assert_eq!(text.len(), "cairn_".len() + 12 + 1 + 64);
    let (head, tail) = text.split_at(text.len() - 1);
    for bad in [head, &text.to_uppercase(), &text[1..], &format!("{text}0"), &format!("{head}g"), "", "cairn__", tail] {
        let error = bad.parse::<ApiKey>().unwrap_err().to_string();
        assert!(error.ends_with("but is `…`"), "the error does not repeat a secret: {error}");
    }
}

#[test]
fn felts_are_hexadecimal_and_below_the_modulus() {
    let felts = Felts([0_u64, 1, 255].map(Felt::from).to_vec());
    let text = serde_json::to_string(&felts).unwrap();
    assert_eq!(text, r#"["0x0","0x1","0xff"]"#);
    assert_eq!(serde_json::from_str::<Felts>(&text).unwrap(), felts);
    assert_eq!(felt_from_hex("0x00FF"), Some(Felt::from(255)));
    assert_eq!(Felts::from_bytes(&felts.to_bytes()), Some(felts));
    let modulus = format!("0x8000000000000110{}1", "0".repeat(47));
    for bad in ["", "0x", "1", "0x1g", "0x-1", &modulus, &format!("0x{}", "1".repeat(65))] {
        assert_eq!(felt_from_hex(bad), None, "{bad}");
    }
    let error = serde_json::from_str::<Felts>(r#"["0x1", "7"]"#).unwrap_err().to_string();
    assert!(
        error.starts_with("element 1 must be `0x` and hexadecimal digits") && error.contains("but is `7`"),
        "{error}"
    );
    assert_eq!(Felts::from_bytes(&[0; 31]), None);
    assert_eq!(Felts::from_bytes(&[0xff; 32]), None);
}

#[test]
fn records_are_canonical() {
    let program = program();
    let bytes = encode_program(&program);
    assert_eq!(decode_program(&bytes), Ok(program.clone()));
    assert_eq!(encode_program(&decode_program(&bytes).unwrap()), bytes);
    assert_eq!(program_hash(&program).as_bytes(), &program.hash());
    assert_eq!(&bytes[..24], b"CAIRNREC\x01\0\0\0\x02\x00\x02\x01\x09\0\0\0\x07\0\0\0");
}

#[test]
fn each_damage_to_a_record_has_its_error() {
    let bytes = encode_program(&program());
    let changed = |place: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[place] = byte;
        decode_program(&bytes)
    };
    assert_eq!(changed(0, b'X'), Err(RecordError::Magic));
    assert_eq!(decode_program(b""), Err(RecordError::Magic));
    assert_eq!(changed(8, 2), Err(RecordError::Version(2)));
    assert_eq!(changed(13, 11), Err(RecordError::Unknown { what: "builtin", found: 11 }));
    let disordered = ProgramError::BuiltinOrder { first: Builtin::RangeCheck, second: Builtin::RangeCheck };
    assert_eq!(changed(13, 2), Err(RecordError::Program(disordered)));
    assert_eq!(changed(15, 2), Err(RecordError::Unknown { what: "argument binding", found: 2 }));
    assert_eq!(changed(24, 0xff), Err(RecordError::NonCanonical(0)));
    assert!(matches!(changed(55, 0), Err(RecordError::Program(ProgramError::Header { offset: 0, .. }))));
    assert_eq!(changed(20, 6), Err(RecordError::Trailing(32)));
    assert_eq!(changed(23, 0xff), Err(RecordError::Program(ProgramError::TooLong(0xff00_0007))));
    for length in 8..bytes.len() {
        assert!(matches!(decode_program(&bytes[..length]), Err(RecordError::Truncated(_))), "{length}");
    }
}

/// A change to signed headers.
type Tamper = fn(&mut SignedHeaders);

fn signed() -> SignedHeaders {
    let content = Digest::of(b"body");
    Identity::from_seed(&[7; 32]).sign_request(
        "PUT",
        "/v1/x?y=1",
        content,
        Timestamp(1_700_000_000),
        Nonce::from_bytes([3; 16]),
    )
}

#[test]
fn the_signed_message_is_pinned() {
    let content = Digest::of(b"");
    let message = request_message("GET", "/v1/donors/me", &content, Timestamp(12), &Nonce::from_bytes([0xee; 16]));
    let expected = "cairn-request-v1\nGET\n/v1/donors/me\n\
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n12\neeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\n";
    assert_eq!(String::from_utf8(message).unwrap(), expected);
    let name: ProjectName = "primes".parse().unwrap();
    let limits = UnitLimits { max_steps: 1, max_memory_cells: 2, time_limit: 3 };
    let message = String::from_utf8(program_message(&offer(&name, &content, &limits))).unwrap();
    assert_eq!(
        message,
        format!("cairn-program-v2\nprimes\n{content}\n{content}\n1\n2\n3\ndefault-100\n{content}\n7\n")
    );
}

#[test]
fn a_signature_holds_for_its_request_only() {
    let honest = signed();
    assert_eq!(honest.verify("PUT", "/v1/x?y=1"), Ok(()));
    assert_eq!(honest.verify("POST", "/v1/x?y=1"), Err(SignatureError::Invalid));
    assert_eq!(honest.verify("PUT", "/v1/x?y=2"), Err(SignatureError::Invalid));
    assert_eq!(honest.verify("PUT", "/v1/x"), Err(SignatureError::Invalid));
    let changes: [Tamper; 5] = [
        |signed| signed.time.0 += 1,
        |signed| signed.nonce = Nonce::from_bytes([4; 16]),
        |signed| signed.content = Digest::of(b"other"),
        |signed| signed.key = Identity::from_seed(&[8; 32]).donor_key(),
        |signed| {
            let mut bytes = *signed.signature.as_bytes();
            bytes[0] ^= 1;
            signed.signature = protocol::Signature::from_bytes(bytes);
        },
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut signed = honest;
        change(&mut signed);
        assert_eq!(signed.verify("PUT", "/v1/x?y=1"), Err(SignatureError::Invalid), "change {index}");
    }
    // The identity element: every signature of small order would hold for it.
    let mut weak = honest;
    let mut point = [0; 32];
    point[0] = 1;
    weak.key = protocol::DonorKey::from_bytes(point);
    assert!(weak.verify("PUT", "/v1/x?y=1").is_err());
}

#[test]
fn headers_travel() {
    let honest = signed();
    let headers = honest.to_headers();
    let get = |name: &str| headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.as_str());
    assert_eq!(SignedHeaders::from_headers(get), Ok(honest));
    for (missing, _) in &headers {
        let without = |name: &str| get(name).filter(|_| name != *missing);
        assert_eq!(SignedHeaders::from_headers(without), Err(SignatureError::Missing(missing)));
        let garbled = |name: &str| if name == *missing { Some("x") } else { get(name) };
        assert_eq!(SignedHeaders::from_headers(garbled), Err(SignatureError::Malformed(missing)));
    }
}

fn offer<'a>(name: &'a ProjectName, content: &'a Digest, limits: &'a UnitLimits) -> Offer<'a> {
    let preset = Preset::Default100;
    Offer {
        name,
        program: content,
        record: content,
        limits,
        preset,
        description: *content,
        weight: 7,
        byte_price: None,
    }
}

#[test]
fn a_program_signature_binds_all_settings() {
    let (uploader, other) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
    let (name, other_name) = ("primes".parse().unwrap(), "prime".parse().unwrap());
    let (content, other_content) = (Digest::of(b"program"), Digest::of(b"other"));
    let limits = UnitLimits::default();
    let honest = offer(&name, &content, &limits);
    let signature = uploader.sign_program(&honest);
    let check = |signer: &Identity, offer: &Offer<'_>| verify_program(&signer.signer_key(), offer, &signature);
    assert_eq!(check(&uploader, &honest), Ok(()));
    assert_eq!(check(&other, &honest), Err(SignatureError::Invalid));
    for changed in [
        Offer { name: &other_name, ..honest },
        Offer { program: &other_content, ..honest },
        Offer { record: &other_content, ..honest },
        Offer { limits: &UnitLimits { max_steps: limits.max_steps + 1, ..limits }, ..honest },
        Offer { limits: &UnitLimits { max_memory_cells: limits.max_memory_cells + 1, ..limits }, ..honest },
        Offer { limits: &UnitLimits { time_limit: limits.time_limit + 1, ..limits }, ..honest },
        Offer { preset: Preset::Bench96, ..honest },
        Offer { description: other_content, ..honest },
        Offer { weight: 8, ..honest },
        Offer { byte_price: Some(0), ..honest },
        // Not even where the text would be the same but for the version.
        Offer { byte_price: Some(500), ..honest },
    ] {
        assert_eq!(check(&uploader, &changed), Err(SignatureError::Invalid), "{changed:?}");
    }
}

#[test]
fn a_key_file_is_made_once_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/key");
    let identity = Identity::load_or_create(&path).unwrap();
    assert_eq!(Identity::load_or_create(&path).unwrap().donor_key(), identity.donor_key());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let names: Vec<_> =
        std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["key"], "no temporary file stays");
    std::fs::write(&path, "garbage").unwrap();
    let error = Identity::load_or_create(&path).unwrap_err();
    assert!(
        matches!(error, KeyFileError::Damaged(_)) && error.to_string().contains("Restore it from a backup"),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"garbage");
}

#[test]
fn a_damaged_key_file_is_never_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let key = Identity::load_or_create(&path).unwrap().donor_key();
    let whole = std::fs::read(&path).unwrap();
    let damaged = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let outcome = Identity::load_or_create(&path);
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "it is left as it is");
        matches!(outcome, Err(KeyFileError::Damaged(_)))
    };
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert!(damaged(&bytes), "bit {bit} of byte {at}");
        }
        assert!(damaged(&whole[..at]), "cut at {at}");
    }
    assert!(damaged(&[&whole[..], b"x"].concat()) && damaged(&vec![b'0'; 1 << 20]));

    // A file of an earlier version is read and gets its public key.
    let text = String::from_utf8(whole.clone()).unwrap();
    let old = format!("{}\n", text.split_once(" public ").unwrap().0);
    std::fs::write(&path, &old).unwrap();
    assert_eq!(Identity::load_or_create(&path).unwrap().donor_key(), key);
    assert_eq!(std::fs::read(&path).unwrap(), whole);
}

#[test]
fn causes_have_one_name_on_both_sides() {
    for cause in Cause::ALL {
        assert_eq!(serde_json::to_string(cause).unwrap(), format!("\"{cause}\""));
        assert_eq!(serde_json::from_str::<Cause>(&format!("\"{cause}\"")).unwrap(), *cause);
        assert!((400..=599).contains(&cause.status()) && !cause.title().is_empty());
    }
    assert_eq!(serde_json::from_str::<Cause>("\"from_the_future\"").unwrap(), Cause::Unknown);
    for state in UnitState::ALL {
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
    }
    for cause in FailureCause::ALL {
        assert_eq!(serde_json::to_string(cause).unwrap(), format!("\"{cause}\""));
    }
}

#[test]
fn a_problem_is_pinned() {
    let mut problem = Problem::new(Cause::ClockSkew, "an hour off");
    problem.server_time = Some(Timestamp(5));
    problem.request_id = Some("abc".to_owned());
    let text = serde_json::to_string(&problem).unwrap();
    let expected = r#"{"type":"urn:cairn:problem:clock_skew","title":"The request's time is too far from the distributor's","status":401,"detail":"an hour off","cause":"clock_skew","request_id":"abc","server_time":5}"#;
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    assert_eq!(problem.to_string(), "an hour off (request abc)");
}
