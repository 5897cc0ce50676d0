// Arguments lo, hi with lo < hi < 2^32; output lo, hi, the number of primes in [lo, hi) and their sum.
//
// Trial division by 2 and then by the odd numbers up to the square root.
%builtins output range_check

from starkware.cairo.common.math import assert_lt, unsigned_div_rem
from starkware.cairo.common.math_cmp import is_le

const BOUND = 2 ** 32;

func main{output_ptr: felt*, range_check_ptr}() {
    alloc_locals;
    local lo;
    local hi;
    %{ ids.lo = program_input["lo"] %}
    %{ ids.hi = program_input["hi"] %}
    assert_lt(lo, hi);
    assert_lt(hi, BOUND);
    let (count, sum) = primes_from(lo, hi, 0, 0);
    assert [output_ptr] = lo;
    assert [output_ptr + 1] = hi;
    assert [output_ptr + 2] = count;
    assert [output_ptr + 3] = sum;
    let output_ptr = output_ptr + 4;
    return ();
}

// Adds number and sum of the primes in [n, hi) to those found so far.
func primes_from{range_check_ptr}(n: felt, hi: felt, count: felt, sum: felt) -> (count: felt, sum: felt) {
    if (n == hi) {
        return (count, sum);
    }
    let prime = is_prime(n);
    return primes_from(n + 1, hi, count + prime, sum + prime * n);
}

func is_prime{range_check_ptr}(n: felt) -> felt {
    if (n * (n - 1) == 0) {
        return 0;
    }
    if ((n - 2) * (n - 3) == 0) {
        return 1;
    }
    let (_, odd) = unsigned_div_rem(n, 2);
    if (odd == 0) {
        return 0;
    }
    return no_divisor_from(n, 3);
}

// 1 if no odd number from d up to the square root of n divides n, else 0.
func no_divisor_from{range_check_ptr}(n: felt, d: felt) -> felt {
    let beyond = is_le(n + 1, d * d);
    if (beyond != 0) {
        return 1;
    }
    let (_, remainder) = unsigned_div_rem(n, d);
    if (remainder == 0) {
        return 0;
    }
    return no_divisor_from(n, d + 2);
}
