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
    let limited = |max_memory| prove(execution.clone(), PROVER, &Options { max_memory, ..options }, &NoControl);
    let Err(ProveError::Memory { estimate: least, .. }) = limited(Some(1)) else { panic!("a byte is not enough") };
    let proof = |max_memory| limited(max_memory).unwrap().encode().len();
    assert!(proof(Some(least)) > proof(None));
}
