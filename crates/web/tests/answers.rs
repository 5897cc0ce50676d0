//! What the distributor answers is compared with what was asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use protocol::{
    Cause, Digest, Felts, Identity, Lease, LeaseMode, LeaseRequest, LeaseToken, LeasedProject, LeasedUnit, NoWork,
    Problem, ProgramHash, ProofReceipt, ProofStatus, Renewed, Timestamp, UnitId, UnitLimits, UnitReceipt,
};
use serde_json::Value;

fn request() -> (String, LeaseRequest) {
    let wish = r#"{"project": "tab", "max_steps": 500000, "max_memory": 1000000000, "steps_per_second": 0}"#;
    let text = web::lease_request(wish).unwrap();
    let request = serde_json::from_str(&text).unwrap();
    (text, request)
}

fn lease() -> Lease {
    let identity = Identity::from_seed(&[1; 32]);
    Lease {
        token: LeaseToken::from_bytes([1; 32]),
        mode: LeaseMode::Both,
        now: Timestamp(1000),
        expires_at: Timestamp(1600),
        renewable_until: Timestamp(9000),
        units: vec![LeasedUnit {
            id: UnitId::from_bytes([1; 10]),
            attempt: 1,
            arguments: Felts::default(),
            estimated_steps: 5,
            execution: None,
        }],
        project: LeasedProject {
            name: "tab".parse().unwrap(),
            program: Digest::of(b"program"),
            record: Digest::of(b"record"),
            program_hash: ProgramHash::from_bytes([2; 32]),
            signer: identity.signer_key(),
            signature: protocol::Signature::from_bytes([0; 64]),
            limits: UnitLimits::default(),
            preset: stark::Preset::Default100,
            description: Digest::of(b""),
            weight: 1,
            byte_price: None,
        },
    }
}

#[test]
fn one_unit_is_asked_for_under_a_key_drawn_anew() {
    let (_, first) = request();
    let (_, second) = request();
    assert_ne!(first.request, second.request);
    assert_eq!(first.limits.lease_units, 1);
    assert_eq!(first.versions.proof, stark_version());
    assert!(web::lease_request(r#"{"max_steps": -1}"#).is_err());
}

fn stark_version() -> u32 {
    protocol::Versions::current("x").proof
}

#[test]
fn only_a_lease_that_was_asked_for_is_taken() {
    let (text, _) = request();
    let read = |lease: &Lease| web::read_lease(&text, &serde_json::to_string(lease).unwrap());
    assert_eq!(read(&lease()), Ok(lease()));
    let refused = |change: &dyn Fn(&mut Lease)| {
        let mut changed = lease();
        change(&mut changed);
        read(&changed).unwrap_err()
    };
    assert!(refused(&|lease| lease.project.name = "other".parse().unwrap()).contains("project other"));
    assert!(refused(&|lease| lease.units.push(lease.units[0].clone())).contains("2 units"));
    assert!(refused(&|lease| lease.mode = LeaseMode::Execute).contains("execute"));
    assert!(refused(&|lease| lease.expires_at = Timestamp(u64::MAX)).contains("week"));
    assert!(refused(&|lease| lease.expires_at = Timestamp(1)).contains("week"));
    assert!(refused(&|lease| lease.project.weight = 0).contains("weight"));
    assert!(web::read_lease(&text, "<html>").unwrap_err().contains("cannot be read"));
}

#[test]
fn renewals_pauses_and_refusals_are_bounded() {
    let renewed = Renewed { now: Timestamp(5), expires_at: Timestamp(605), settled: Vec::new() };
    assert_eq!(web::read_renewal(&serde_json::to_string(&renewed).unwrap()), Ok(renewed.clone()));
    let endless = Renewed { expires_at: Timestamp(u64::MAX), ..renewed };
    assert!(web::read_renewal(&serde_json::to_string(&endless).unwrap()).is_err());

    let no_work =
        |reason: &str, after: &str| -> Value { serde_json::from_str(&web::read_no_work(reason, after)).unwrap() };
    assert_eq!(no_work("empty", "60")["seconds"], 60);
    assert_eq!(no_work("empty", "60")["reason"], NoWork::Empty.name());
    assert_eq!(no_work("of a later version", "99999999")["seconds"], 3600);
    assert_eq!(no_work("empty", "soon")["seconds"], 30);

    let problem = |cause, detail: &str| -> Value {
        let text = serde_json::to_string(&Problem::new(cause, detail)).unwrap();
        serde_json::from_str(&web::read_problem(&text).unwrap()).unwrap()
    };
    assert_eq!(problem(Cause::Busy, "later")["final"], false);
    assert_eq!(problem(Cause::VerifyFailed, "no")["final"], true);
    assert_eq!(problem(Cause::Busy, "a\u{202e}b")["detail"], "a\\u{202e}b", "nothing changes the direction of writing");
    let mut skewed = Problem::new(Cause::ClockSkew, "your clock");
    (skewed.server_time, skewed.retry_after) = (Some(Timestamp(u64::MAX)), Some(u64::MAX));
    let skewed: Value =
        serde_json::from_str(&web::read_problem(&serde_json::to_string(&skewed).unwrap()).unwrap()).unwrap();
    assert_eq!(skewed["retry_after"], 3600);
    assert_eq!(skewed["server_time"], 1_u64 << 40);
    assert!(web::read_problem("<html>a login page</html>").is_err());
}

#[test]
fn a_receipt_is_one_for_what_was_sent() {
    let (sha256, unit) = (Digest::of(b"proof"), UnitId::from_bytes([1; 10]));
    let of = |sha256, unit, steps| {
        let units = vec![UnitReceipt { unit, status: ProofStatus::Accepted, credited_steps: steps }];
        serde_json::to_string(&ProofReceipt { sha256, units }).unwrap()
    };
    let read = |text: &str| web::read_receipt(&sha256.to_string(), &unit.to_string(), text);
    assert_eq!(read(&of(sha256, unit, 7)).unwrap().credited_steps(), 7);
    assert_eq!(read(&of(sha256, unit, u64::MAX)).unwrap().credited_steps(), 1 << 40);
    assert!(read(&of(Digest::of(b"another"), unit, 7)).is_err());
    assert!(read(&of(sha256, UnitId::from_bytes([2; 10]), 7)).is_err());
    assert!(read(&serde_json::to_string(&ProofReceipt { sha256, units: Vec::new() }).unwrap()).is_err());
    assert_eq!(web::submission_target(&sha256.to_string()), Ok(format!("/v1/proofs/{sha256}")));
    assert!(web::submission_target("../secret").is_err());
}
