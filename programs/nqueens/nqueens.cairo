// Arguments n, depth, prefix with 1 <= n <= 16 and depth <= n; output n, depth, prefix, the number of ways to place n
// queens on an n x n board so that none attacks another, given the columns of the first `depth` rows, and the number of
// boards that the search looked at.
//
// `prefix` holds the given columns as digits in base n: its lowest digit is the column in row 0.
//
// A set of columns is a bit mask. The masks are kept shifted left by the number of the row, so that one kind of
// diagonal moves left by two places a row and the other not at all: no mask is ever shifted right.
%builtins output range_check bitwise

from starkware.cairo.common.bitwise import bitwise_and, bitwise_or
from starkware.cairo.common.cairo_builtins import BitwiseBuiltin
from starkware.cairo.common.math import assert_in_range, assert_le, unsigned_div_rem
from starkware.cairo.common.pow import pow

func main{output_ptr: felt*, range_check_ptr, bitwise_ptr: BitwiseBuiltin*}() {
    alloc_locals;
    local n;
    local depth;
    local prefix;
    %{ ids.n = program_input["n"] %}
    %{ ids.depth = program_input["depth"] %}
    %{ ids.prefix = program_input["prefix"] %}
    assert_in_range(n, 1, 17);
    assert_le(depth, n);
    let (size) = pow(2, n);
    let (solutions, boards) = place(n, depth, prefix, size - 1, 0, 0, 0, n);
    assert [output_ptr] = n;
    assert [output_ptr + 1] = depth;
    assert [output_ptr + 2] = prefix;
    assert [output_ptr + 3] = solutions;
    assert [output_ptr + 4] = boards;
    let output_ptr = output_ptr + 5;
    return ();
}

// Places the queens that the prefix gives, and hands over to the search. All masks are shifted as said above:
// `board` has a bit for each column, `columns`, `left` and `right` for those attacked along columns and diagonals.
func place{range_check_ptr, bitwise_ptr: BitwiseBuiltin*}(
    n: felt, depth: felt, prefix: felt, board: felt, columns: felt, left: felt, right: felt, rows: felt
) -> (solutions: felt, boards: felt) {
    alloc_locals;
    if (depth == 0) {
        // Digits beyond the depth would be another name for the same unit.
        assert prefix = 0;
        let (solutions, boards) = search(board, columns, left, right, rows);
        return (solutions, boards);
    }
    let (rest, column) = unsigned_div_rem(prefix, n);
    let (power) = pow(2, column + n - rows);
    let (free) = free_columns(board, columns, left, right);
    let (allowed) = bitwise_and(free, power);
    if (allowed == 0) {
        return (0, 0);
    }
    return place(
        n, depth - 1, rest, board * 2, (columns + power) * 2, (left + power) * 4, right + power, rows - 1
    );
}

// Solutions and boards from this board on, with `rows` rows to fill.
func search{bitwise_ptr: BitwiseBuiltin*}(board: felt, columns: felt, left: felt, right: felt, rows: felt) -> (
    solutions: felt, boards: felt
) {
    if (rows == 0) {
        return (1, 1);
    }
    let (free) = free_columns(board, columns, left, right);
    return each_free(free, board, columns, left, right, rows, 0, 1);
}

// Tries every column in `free`, and adds what it finds.
func each_free{bitwise_ptr: BitwiseBuiltin*}(
    free: felt, board: felt, columns: felt, left: felt, right: felt, rows: felt, solutions: felt, boards: felt
) -> (solutions: felt, boards: felt) {
    alloc_locals;
    if (free == 0) {
        return (solutions, boards);
    }
    // Takes the lowest bit.
    let (others) = bitwise_and(free, free - 1);
    let queen = free - others;
    let (found, looked) = search(board * 2, (columns + queen) * 2, (left + queen) * 4, right + queen, rows - 1);
    return each_free(others, board, columns, left, right, rows, solutions + found, boards + looked);
}

func free_columns{bitwise_ptr: BitwiseBuiltin*}(board: felt, columns: felt, left: felt, right: felt) -> (free: felt) {
    let (diagonals) = bitwise_or(left, right);
    let (attacked) = bitwise_or(columns, diagonals);
    let (taken) = bitwise_and(board, attacked);
    return (board - taken,);
}
