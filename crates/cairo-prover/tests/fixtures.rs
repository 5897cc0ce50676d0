//! Every fixture has a witness that the debug checker finds nothing wrong with, with all steps in the generic table.

mod common;

use common::{execution, generic_witness, report};

/// Checks one run: constraints, buses and the number of steps (without the closing `jmp rel 0` that cairo-vm counts).
fn check(name: &str, arguments: Option<&str>, n_steps: usize) {
    let execution = execution(name, arguments);
    assert_eq!(execution.n_steps(), n_steps - 1, "{name}");
    assert_eq!(execution.check(), Ok(()), "{name}");
    let report = report(&generic_witness(execution));
    assert!(report.is_clean(), "{name}: {report}");
}

macro_rules! runs {
    ($($test:ident: $name:literal, $arguments:expr, $n_steps:literal;)*) => {
        $(
            #[test]
            fn $test() {
                check($name, $arguments, $n_steps);
            }
        )*
    };
}
runs! {
    all_builtins_unused: "cairo0/all_builtins_unused", None, 17;
    add_mod_anywhere: "cairo0/add_mod_anywhere", None, 79;
    add_mod_batch: "cairo0/add_mod_batch", None, 65;
    add_mod_edges: "cairo0/add_mod_edges", None, 876;
    add_mod_many: "cairo0/add_mod_many", Some(r#"{"n": 200}"#), 16246;
    alloc_segments: "cairo0/alloc_segments", None, 309;
    args3: "cairo0/args3", Some(r#"{"a": 5, "b": "340282366920938463463374607431768211461", "c": 12}"#), 48;
    args_array: "cairo0/args_array", Some(r#"{"values": [3, 1, 4, 1, 5, -1]}"#), 72;
    big_felts: "cairo0/big_felts", None, 277;
    bitwise_edges: "cairo0/bitwise_edges", None, 174;
    bitwise_many: "cairo0/bitwise_many", None, 2708;
    bitwise_unread: "cairo0/bitwise_unread", None, 16;
    builtins_unused: "cairo0/builtins_unused", None, 9;
    code_in_data: "cairo0/code_in_data", None, 43;
    computed_jump: "cairo0/computed_jump", None, 73;
    dict: "cairo0/dict", None, 1198;
    empty_main: "cairo0/empty_main", None, 5;
    hints_hash: "cairo0/hints_hash", None, 12255;
    hints_small: "cairo0/hints_small", None, 8728;
    keccak_many: "cairo0/keccak_many", Some(r#"{"n": 3}"#), 661;
    keccak_unread: "cairo0/keccak_unread", Some(r#"{"a": 11, "b": 3}"#), 46;
    label_data: "cairo0/label_data", None, 72;
    memory_holes: "cairo0/memory_holes", None, 13;
    mixed_2p12: "cairo0/mixed_2p12", None, 3811;
    mixed_ops: "cairo0/mixed_ops", None, 2223;
    no_builtins: "cairo0/no_builtins", None, 7;
    no_output: "cairo0/no_output", None, 7;
    mod_circuit: "cairo0/mod_circuit", Some(r#"{"x": 3, "y": 5, "n": 40}"#), 4325;
    mul_mod_anywhere: "cairo0/mul_mod_anywhere", None, 79;
    mul_mod_batch: "cairo0/mul_mod_batch", None, 65;
    mul_mod_edges: "cairo0/mul_mod_edges", None, 1080;
    op_add_ap: "cairo0/op_add_ap", None, 31;
    op_assert_add: "cairo0/op_assert_add", None, 31;
    op_assert_eq: "cairo0/op_assert_eq", None, 26;
    op_assert_mul: "cairo0/op_assert_mul", None, 32;
    op_call_ret: "cairo0/op_call_ret", None, 118;
    op_encoded: "cairo0/op_encoded", None, 47;
    op_encoded_calls: "cairo0/op_encoded_calls", None, 24;
    op_far_offsets: "cairo0/op_far_offsets", None, 30;
    op_jmp: "cairo0/op_jmp", None, 53;
    op_jnz: "cairo0/op_jnz", None, 47;
    output_backwards: "cairo0/output_backwards", None, 13;
    output_empty: "cairo0/output_empty", None, 111;
    pedersen_unused: "cairo0/pedersen_unused", None, 8;
    poseidon_many: "cairo0/poseidon_many", Some(r#"{"n": 20}"#), 670;
    poseidon_unread: "cairo0/poseidon_unread", Some(r#"{"a": 11, "b": 3}"#), 27;
    range_check_edges: "cairo0/range_check_edges", None, 40;
    range_check_math: "cairo0/range_check_math", None, 400;
    range_check96_edges: "cairo0/range_check96_edges", None, 121;
    range_check96_hole: "cairo0/range_check96_hole", None, 12;
    range_check96_many: "cairo0/range_check96_many", Some(r#"{"n": 3000}"#), 27019;
    range_check96_unused: "cairo0/range_check96_many", Some(r#"{"n": 0}"#), 19;
    recursion_deep: "cairo0/recursion_deep", None, 13126;
    sum_to_n: "cairo0/sum_to_n", Some(r#"{"n": 100}"#), 716;
    uint256: "cairo0/uint256", None, 1406;
    primes_bench: "bench/primes_2p14", None, 15203;
}

mod cairo2 {
    use super::check;

    runs! {
        array_output: "cairo2/array_output", Some("[6]"), 167;
        bitwise_cairo2: "cairo2/bitwise", Some("[0, 0]"), 1011;
        blake_cairo2: "cairo2/blake", Some("[1, 4294967295, 7]"), 110;
        qm31_cairo2: "cairo2/qm31", Some("[2147483646, 123456789]"), 115;
        dict_cairo2: "cairo2/dict", Some("[50]"), 4805;
        recursion_cairo2: "cairo2/recursion", Some("[2, 3]"), 3293;
        fib_cairo2: "cairo2/fib", Some("[10]"), 90;
        no_args: "cairo2/no_args", Some("[]"), 21;
        primes_cairo2: "cairo2/primes", Some("[10, 100]"), 7217;
    }
}
