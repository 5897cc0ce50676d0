"""The table of the builtin `poseidon`: eight rows an instance.

Columns `input` hold what goes into the S-boxes of a row, round keys included: in the first and in the last row those of
four full rounds, three each, in the six between those of 83 partial rounds, and then a 0. `key[n]` is the round key of
`input[n]`, so that `input[n] − key[n]` is an element of the state between two rounds. Cubes have no columns: they follow
from the state before and after. Constraints are multiplied so that they have no fractions."""

from functools import lru_cache
from hashlib import sha256

from .. import buses
from ..air import FIRST, LAST, TRANSITION, Air
from ..field import P

_CELLS = 6
_ROWS = 8
_INPUTS = 14
_STATE = 3
_HALF_FULL, _PARTIAL = 4, 83
_ROUNDS = 2 * _HALF_FULL + _PARTIAL
_FULL_INPUTS = _HALF_FULL * _STATE


def mixed(state):
    """The state times the matrix `((3, 1, 1), (1, −1, 1), (1, 1, −2))`."""
    total = sum(state)
    return [(total + 2 * state[0]) % P, (total - 2 * state[1]) % P, (total - 3 * state[2]) % P]


def _unmixed(state, scale):
    """`8·scale` times the inverse of that matrix, times the state, which may be expressions."""
    first, second, third = state
    return [
        scale * (first + 3 * second + 2 * third),
        scale * (3 * first - 7 * second - 2 * third),
        scale * (2 * (first - second - 2 * third)),
    ]


def round_keys():
    """Of each round the numbers that are added to the state."""
    digests = [sha256(f"Hades{number}".encode()).digest() for number in range(_STATE * _ROUNDS)]
    keys = [int.from_bytes(digest, "big") % P for digest in digests]
    return [keys[start : start + _STATE] for start in range(0, len(keys), _STATE)]


@lru_cache(maxsize=None)
def table_keys():
    """The round keys of a row's inputs, for each row. In the partial rounds only the third element, which alone is cubed,
    has one: those of the others move through the matrix into the next round's."""
    keys = round_keys()
    carried, partial = [0] * _STATE, []
    for own in keys[_HALF_FULL : _HALF_FULL + _PARTIAL]:
        state = [(one + other) % P for one, other in zip(carried, own)]
        partial.append(state[2])
        carried = mixed([state[0], state[1], 0])
    last = keys[_HALF_FULL + _PARTIAL :]
    last[0] = [(one + other) % P for one, other in zip(carried, last[0])]
    none = [0] * (_INPUTS - _FULL_INPUTS)
    partial.append(0)
    rows = [sum(keys[:_HALF_FULL], []) + none]
    rows += [partial[start : start + _INPUTS] for start in range(0, len(partial), _INPUTS)]
    return rows + [sum(last, []) + none]


def poseidon(base, stop):
    """The permutations in the cells from `base` to before `stop`."""
    air = Air("poseidon")
    address = air.column("address")
    inputs = air.column_list("input", _INPUTS)
    total, before, cell = (air.column(name) for name in ("sum", "before", "cell"))
    first, last_partial, last = (air.periodic(int(row == at) for row in range(_ROWS)) for at in (0, 6, 7))
    keys = list(zip(*table_keys()))
    key_columns = list(map(air.periodic, keys))
    next_keys = [air.periodic(values[1:] + values[:1]) for values in keys[:_STATE]]
    has_cell = air.periodic([1, 1, 0, 0, 0, 0, 1, 1])
    cell_offset = air.periodic([1, 2, 0, 0, 0, 0, 5, 4])

    step = air.next("address") - address
    air.constrain(address - base, FIRST)
    air.constrain(step * (step - _CELLS), TRANSITION)
    air.constrain(step * (1 - last), TRANSITION)
    air.constrain(address + _CELLS - stop, LAST)

    elements = [value - key for value, key in zip(inputs, key_columns)]
    next_inputs = [air.next(f"input[{place}]") for place in range(_STATE)]
    next_elements = [value - key for value, key in zip(next_inputs, next_keys)]
    next_sum, next_before = air.next("sum"), air.next("before")
    partial, full = 1 - first - last, last + first

    # Partial rounds. Of the state `(s0, s1, s2)` before a round's S-box, `grows` is `6·s0 + 2·s1` and `turns` is
    # `3·s1 − s0`: with the third element `s2'` of the next state a round makes `4·(grows − s2')` and `−turns − s2'` of
    # them, and `10·s2³ = grows + turns − 5·s2'`. `sum` is `s0 + s1` before the row's first round, `before` a round
    # earlier, which is half of `s0 − s1`.
    grows, turns = [(total + before) * 4], [total - before * 4]
    for element in elements[1:]:
        grows.append(4 * (grows[-1] - element))
        turns.append(-turns[-1] - element)
    cubes = [left + right - 5 * element for left, right, element in zip(grows, turns, elements[1:])]
    # Full rounds. Eight times the cubes of one, from the next one's elements.
    in_full = []
    for place in range(_STATE, _FULL_INPUTS, _STATE):
        in_full += _unmixed(elements[place : place + _STATE], 5 * full)
    # After the fourth one: in the first row `s0` and `s1` are taken from `sum` and `before` of the next row, in the last
    # row the state is the permutation's output.
    after = [2 * (next_sum - next_before + next_elements[0]), 10 * next_before - 2 * (next_sum + next_elements[0])]
    after.append(4 * (next_before - next_elements[0]))
    outputs = _unmixed((total, cell, before), 1)
    in_full += [5 * (first * one + last * other) for one, other in zip(after, outputs)]
    for value, cube, other in zip(inputs, cubes, in_full):
        air.constrain(40 * value * value * value - (partial * 4 * cube + other))
    # The last two inputs: 0 in rows of full rounds. The last partial round is that of input 12 of its row, input 13 is 0,
    # and the next state's third element is one of the next row.
    value = inputs[12]
    air.constrain(40 * value * value * value - (partial * 4 * cubes[12] - last_partial * 20 * next_elements[2]))
    goes_on, value = partial - last_partial, inputs[13]
    cube = grows[13] + turns[13] - 5 * next_elements[0]
    air.constrain(40 * value * value * value - goes_on * 4 * cube)
    air.constrain(goes_on * (5 * next_sum - (4 * grows[13] - turns[13] - 5 * next_elements[0])))
    air.constrain(goes_on * (5 * next_before - (grows[13] + turns[13])))
    # The state after the last partial round: five times `s0 + s1` as in any other, and `s0 − s1` is twice the sum before.
    own_sum, own_difference = grows[13] + turns[13] - 5 * next_elements[2], 2 * (grows[12] + turns[12])
    air.constrain(last_partial * (10 * next_elements[0] - (own_sum + own_difference)))
    air.constrain(last_partial * (10 * next_elements[1] - (own_sum - own_difference)))

    # `sum` has the first input and output, `cell` the others; that of row 6 is the output's third element.
    air.constrain(first * (total - elements[0]))
    air.constrain(first * (cell - elements[1]))
    air.constrain(first * (air.next("cell") - elements[2]))
    air.constrain(last_partial * (cell - next_before))
    air.interact(buses.MEMORY, -full, address + last * 3, total)
    air.interact(buses.MEMORY, -has_cell, address + cell_offset, cell)
    return air
