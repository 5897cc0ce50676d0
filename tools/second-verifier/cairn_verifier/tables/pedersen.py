"""The tables of the builtin `pedersen`: 32 rows an instance, 16 an input, four digits of four bits a row."""

from .. import buses
from ..air import FIRST, LAST, TRANSITION, Air
from . import curve

_CELLS = 3
_INPUT_ROWS = 16
_ROWS = 2 * _INPUT_ROWS
_DIGITS = 4
# Of an input's rows: the last one whose digits stand in places from 48 on, and the one after it.
_ROW_48, _ROW_47 = 3, 4


def _ones(rows, at):
    """The period of `rows` rows that is 1 at those in `at`, else 0."""
    return [int(row in at) for row in range(rows)]


def pedersen(base, stop):
    """The instances in the cells from `base` to before `stop`."""
    air = Air("pedersen")
    address, prefix, tight = (air.column(name) for name in ("address", "prefix", "tight"))
    digits = air.column_list("digit", _DIGITS)
    sum_x = air.column_list("sum_x", _DIGITS)
    sum_y = air.column("sum_y")
    point_x = air.column_list("point_x", _DIGITS)
    slopes = air.column_list("slope", _DIGITS)

    input_rows = set(range(_INPUT_ROWS))
    last = air.periodic(_ones(_ROWS, {_ROWS - 1}))
    first = air.periodic(_ones(_ROWS, {0}))
    number = air.periodic(
        curve.PLACES * operand + place for operand in range(2) for place in range(curve.PLACES - 1, 0, -_DIGITS)
    )
    input_first = air.periodic(_ones(_INPUT_ROWS, {0}))
    input_last = air.periodic(_ones(_INPUT_ROWS, {_INPUT_ROWS - 1}))
    keeps_tight = air.periodic(_ones(_INPUT_ROWS, input_rows - {_ROW_48, _ROW_47, _INPUT_ROWS - 1}))
    row_48 = air.periodic(_ones(_INPUT_ROWS, {_ROW_48}))
    row_47 = air.periodic(_ones(_INPUT_ROWS, {_ROW_47}))
    high_zeros = air.periodic(_ones(_INPUT_ROWS, input_rows - {0, _ROW_47}))
    low_zeros = air.periodic(_ones(_INPUT_ROWS, input_rows - {_ROW_48, _ROW_47}))
    second = air.periodic(_ones(_ROWS, set(range(_INPUT_ROWS, _ROWS))))

    step = air.next("address") - address
    air.constrain(address - base, FIRST)
    air.constrain(step * (step - _CELLS), TRANSITION)
    air.constrain(step * (1 - last), TRANSITION)
    air.constrain(address + _CELLS - stop, LAST)

    # The sums, and the points that are added: the `y` of a point follows from the line through sum and point.
    start_x, start_y = curve.pedersen_start()
    air.constrain(first * (sum_x[0] - start_x))
    air.constrain(first * (sum_y - start_y))
    sums, points, following = [(sum_x[0], sum_y)], [], []
    for place, slope in enumerate(slopes):
        x, y = sums[-1]
        points.append((point_x[place], y - slope * (x - point_x[place])))
        following.append(curve.third_x(slope, sums[-1], points[-1]))
        sums.append((sum_x[place + 1], curve.third_y(slope, sums[-1], sum_x[place + 1])) if place + 1 < _DIGITS else None)
    sums.pop()
    for slope, total, point in zip(slopes, sums, points):
        air.constrain(curve.tangent(slope, total, point))
    for place in range(1, _DIGITS):
        air.constrain(sum_x[place] - following[place - 1])
    next_x = air.next("sum_x[0]")
    air.constrain((1 - last) * (next_x - following[-1]))
    air.constrain((1 - last) * (air.next("sum_y") - curve.third_y(slopes[-1], sums[-1], next_x)))

    # The input is what its digits come to, and below `p`: it is `tight` as long as no digit has been below that of
    # `p − 1`, which is 8 in place 62, and 1 in places 49 and 48.
    grown = prefix
    for digit in digits:
        grown = grown * curve.DIGITS + digit
    air.constrain(air.next("prefix") - (1 - input_last) * grown)
    next_tight = air.next("tight")
    air.constrain(tight * (1 - tight))
    air.constrain(tight * (high_zeros * (digits[0] + digits[1]) + low_zeros * (digits[2] + digits[3])))
    air.constrain(keeps_tight * (next_tight - tight))
    air.constrain(row_48 * (next_tight - tight * digits[2]))
    air.constrain(row_47 * (next_tight - tight * (prefix - (8 * 16**14 + 16))))
    air.constrain(row_47 * next_tight * sum(digits))

    for place, (digit, (x, y)) in enumerate(zip(digits, points)):
        own = number - place
        if place == curve.PLACES - 1 - curve.TOP_PLACE:
            own = own + input_first * tight * (2 * curve.PLACES)
        air.interact(buses.PEDERSEN_POINT, -1, own, digit, x, y)
    air.interact(buses.MEMORY, -input_last, address + second, grown)
    air.interact(buses.MEMORY, -last, address + 2, following[-1])
    return air


def points():
    """The points of all digits."""
    air = Air("pedersen_points")
    multiplicities = air.column_list("multiplicity", 2)
    number, digit, *coordinates = map(air.periodic, curve.pedersen_points())
    for operand, multiplicity in enumerate(multiplicities):
        x, y = coordinates[2 * operand : 2 * operand + 2]
        air.interact(buses.PEDERSEN_POINT, multiplicity, number + curve.PLACES * operand, digit, x, y)
    return air
