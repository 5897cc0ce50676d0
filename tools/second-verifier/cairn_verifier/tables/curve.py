"""Section 9: the Stark curve `y² = x³ + x + β`, its constants, and what it takes that three points are on a line."""

from functools import lru_cache

from ..field import P, inverse

BETA = 0x6F21413EFBE40DE150E596D72F7A8C5609AD26C15C915C1F4CDFCB99CEE9E89
GENERATOR = (
    0x1EF15C18599971B7BECED415A40F0C7DEACFD9B0D1819E03D723D8BC943CFCA,
    0x5668060AA49730B7BE4801DF46EC62DE53ECD11ABE43A32873000C36E8DC1F,
)
# `P0` to `P4`.
_PEDERSEN = (
    (
        0x49EE3EBA8C1600700EE1B87EB599F16716B0B1022947733551FDE4050CA6804,
        0x3CA0CFE4B3BC6DDF346D49D06EA0ED34E621062C0E056C1D0405D266E10268A,
    ),
    (
        0x234287DCBAFFE7F969C748655FCA9E58FA8120B6D56EB0C1080D17957EBE47B,
        0x3B056F100F96FB21E889527D41F4E39940135DD7A6C94CC6ED0268EE89E5615,
    ),
    (
        0x4FA56F376C83DB33F9DAB2656558F3399099EC1DE5E3018B7A6932DBA8AA378,
        0x3FA0984C931C9E38113E0C0E47E4401562761F92A7A23B45168F4E80FF5B54D,
    ),
    (
        0x4BA4CC166BE8DEC764910F75B45F74B40C690C74709E90F3AA372F0BD2D6997,
        0x40301CF5C1751F4B971E46C4EDE85FCAC5C59A5CE5AE7C48151F27B24B219C,
    ),
    (
        0x54302DCB0E6CC1C6E44CCA8F61A63BB2CA65048D53FB325D36FF12C49A58202,
        0x1B77B3E37D13504B348046268D8AE25CE98AD783C25561A879DCC77E99C2426,
    ),
)

_START_TEXT = b"Cairn: products begin here"
# `p = _ODD·2^192 + 1`.
_ODD = (P - 1) >> 192


def negative(point):
    """`−point`."""
    return point[0], -point[1] % P


def added(one, other):
    """The sum of two points, neither of which is the other's negative."""
    (x, y), (other_x, other_y) = one, other
    if x == other_x:
        slope = (3 * x * x + 1) * inverse(2 * y)
    else:
        slope = (y - other_y) * inverse(x - other_x)
    sum_x = (slope * slope - x - other_x) % P
    return sum_x, (slope * (x - sum_x) - y) % P


def square_root(value):
    """A square root of a number that is not 0, or `None` (Tonelli and Shanks)."""
    if pow(value, (P - 1) // 2, P) != 1:
        return None
    non_residue = next(number for number in range(2, P) if pow(number, (P - 1) // 2, P) != 1)
    generator, rest, root = pow(non_residue, _ODD, P), pow(value, _ODD, P), pow(value, (_ODD + 1) // 2, P)
    # `root² = value·rest`, and `rest` has an order `2^n` below that of `generator²`'s.
    while rest != 1:
        order, power = 0, rest
        while power != 1:
            order, power = order + 1, power * power % P
        factor = generator
        for _ in range(_order(generator) - order - 1):
            factor = factor * factor % P
        generator = factor * factor % P
        rest, root = rest * generator % P, root * factor % P
    return root


def _order(value):
    """`n` for a number of order `2^n`."""
    order = 0
    while value != 1:
        order, value = order + 1, value * value % P
    return order


@lru_cache(maxsize=None)
def start():
    """`START`, at which products begin."""
    x = int.from_bytes(_START_TEXT, "big")
    while True:
        y = square_root((x * x * x + x + BETA) % P)
        if y is not None:
            return x, y if y % 2 == 0 else P - y
        x += 1


PLACES = 64
DIGITS = 16
TOP_PLACE = 62
"""The place of bit 251, in whose digit it is worth 8."""
_LOW_PLACES = 62


@lru_cache(maxsize=None)
def _multiples(operand):
    """For each place of an input `0` or `1` the sixteen points that its digits stand for."""
    low, high = _PEDERSEN[1 + 2 * operand : 3 + 2 * operand]
    result = []
    for place in range(PLACES):
        base = low if place == 0 else high if place == _LOW_PLACES else result[-1][-1]
        multiples = [base]
        while len(multiples) < DIGITS:
            multiples.append(added(multiples[-1], base))
        result.append(multiples)
    return result


@lru_cache(maxsize=None)
def pedersen_start():
    """Where pedersen's sums begin: `P0` less the base of each place of both inputs."""
    total = _PEDERSEN[0]
    for operand in range(2):
        for multiples in _multiples(operand):
            total = added(total, negative(multiples[0]))
    return total


@lru_cache(maxsize=None)
def pedersen_points():
    """The six periodic columns of pedersen_points: number, digit, and the points' coordinates for either input."""
    most = {TOP_PLACE: 8, PLACES - 1: 0}
    rows = []
    for place in range(PLACES):
        for digit in range(DIGITS):
            if digit > most.get(place, DIGITS):
                digit = 0
            number = place + 2 * PLACES if (place, digit) == (TOP_PLACE, 8) else place
            points = [_multiples(operand)[place][digit] for operand in range(2)]
            rows.append((number, digit, *points[0], *points[1]))
    return list(zip(*rows))


def on_curve(x, y):
    """Vanishes at points of the curve."""
    return y * y - x * x * x - x - BETA


def chord(slope, one, other):
    """Vanishes if a line of this slope goes through both points."""
    return slope * (one[0] - other[0]) - (one[1] - other[1])


def tangent(slope, one, other):
    """Vanishes, if both points are on the curve and `chord` does, only if they are not each other's negatives."""
    x, other_x = one[0], other[0]
    return slope * (one[1] + other[1]) - (1 + x * x + x * other_x + other_x * other_x)


def third_x(slope, one, other):
    """The `x` of the sum."""
    return slope * slope - one[0] - other[0]


def third_y(slope, one, sum_x):
    """The `y` of the sum."""
    return slope * (one[0] - sum_x) - one[1]
