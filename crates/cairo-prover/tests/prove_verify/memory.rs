//! What proving may take.

use super::*;

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
    assert!(enough <= least_memory(&execution, &steps, &parameters).unwrap());
    let error = limited(enough - 1).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("MB of memory") && message.contains("smaller runs"), "{message}");
}

/// Where extensions do not fit, they are recomputed, as many as must be, and the proof is the same: on one thread and two, for every blow-up.
#[test]
fn extensions_give_way() {
    let preset = |preset: Preset| preset.parameters();
    let arguments = |text| Some(text);
    let mut partly = 0;
    for (name, arguments, parameters) in [
        ("bench/primes_2p14", None, preset(Preset::Bench96)),
        ("bench/fib_2p14", None, preset(Preset::Compact)),
        ("bench/cairo0/merge_sort", arguments(r#"{"n": 63}"#), preset(Preset::Default100)),
        ("cairo0/args3", arguments(r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#), CHEAP),
        ("cairo0/sum_to_n", arguments(r#"{"n": 3000}"#), Parameters { log_blowup: 4, log_fold: 1, ..CHEAP }),
    ] {
        let execution = execution(name, arguments);
        // One plan, whatever it takes.
        let options = Options { parameters, max_columns: Some(DEFAULT_COLUMNS), ..Options::default() };
        let steps = plan(&execution, &Costs::new(&execution, DEFAULT_COLUMNS)).tables;
        let most = estimate_memory(&execution, &steps, &parameters).unwrap();
        let least = least_memory(&execution, &steps, &parameters).unwrap();
        assert!(least < most, "{name}: {least} and {most} bytes");
        let proven = |max_memory, least_memory, threads| {
            let shares = Shares::default();
            let options = Options { max_memory, least_memory, threads: Some(threads), ..options };
            let proof = prove(execution.clone(), PROVER, &options, &shares).unwrap().encode();
            (proof, shares.0.into_inner().unwrap())
        };
        let (whole, shares) = proven(None, false, 2);
        assert_eq!(shares, [1.0]);
        let mut before = 1.0;
        for (part, threads) in (0..=4).zip([1, 2].into_iter().cycle()) {
            let limit = most - (most - least) * part / 4;
            let (proof, shares) = proven(Some(limit), false, threads);
            assert!(proof == whole, "{name} in {limit} bytes: {shares:?}");
            assert!(shares.len() == 1 && shares[0] <= before, "{name} in {limit} bytes: {shares:?}");
            before = shares[0];
            partly += usize::from(0.0 < before && before < 1.0);
        }
        for (limit, threads) in [(None, 1), (Some(least), 2)] {
            let (proof, shares) = proven(limit, true, threads);
            assert!(proof == whole && shares == [0.0], "{name} in least memory: {shares:?}");
        }
        let options = Options { max_memory: Some(least - 1), ..options };
        refused!(prove(execution.clone(), PROVER, &options, &NoControl), ProveError::Memory { .. });
    }
    assert!(partly > 3, "{partly} proofs with some extensions");
}

/// The share of extensions that each proof kept.
#[derive(Default)]
struct Shares(Mutex<Vec<f64>>);

impl Control for Shares {
    fn kept(&self, share: f64) {
        self.0.lock().unwrap().push(share);
    }
}

/// Where memory is short, bytes give way: the plan takes more columns, and fewer cells.
#[test]
fn memory_is_bought_with_bytes() {
    let execution = execution("bench/cairo0/merge_sort", Some(r#"{"n": 63}"#));
    let parameters = Preset::Bench96.parameters();
    let options = Options { parameters, ..Options::default() };
    let limited = |max_memory| prove(execution.clone(), PROVER, &Options { max_memory, ..options }, &NoControl);
    let Err(ProveError::Memory { estimate: least, .. }) = limited(Some(1)) else { panic!("a byte is not enough") };
    let proof = |max_memory| limited(max_memory).unwrap().encode().len();
    assert!(proof(Some(least)) > proof(None));
}
