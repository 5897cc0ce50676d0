"""The tables of the builtins `ec_op` and `ecdsa`, and the products `START + m·Q` that they look up."""

from .. import buses
from ..air import FIRST, LAST, TRANSITION, Air
from ..expressions import expression
from . import curve
from .range_check import sum_of_limbs

PRODUCT_BUSES = {"ec_op_product": buses.EC_OP_PRODUCT, "ecdsa_product": buses.ECDSA_PRODUCT}
_ROWS = 128
# The row of an instance at which two bits after two bits of the 252 have been taken.
_DONE = 126
_EC_OP_CELLS, _ECDSA_CELLS = 7, 2
_LIMBS, _LIMB_BITS, _LAST_LIMB_BITS = 25, 8, 5


def _walk(air, base, stop, cells):
    """The column address, which goes through a segment."""
    address = air.column("address")
    step = air.next("address") - address
    air.constrain(address - base, FIRST)
    air.constrain(step * (step - cells), TRANSITION)
    air.constrain(address + cells - stop, LAST)
    return address


def _add(air, slope, one, other, sum_x):
    """`sum_x` is the `x` of the sum of two points of the curve. Gives the sum."""
    air.constrain(curve.chord(slope, one, other))
    air.constrain(curve.tangent(slope, one, other))
    air.constrain(sum_x - curve.third_x(slope, one, other))
    return sum_x, curve.third_y(slope, one, sum_x)


def _constant(point):
    return tuple(map(expression, point))


def ecdsa(base, stop):
    """The signatures in the cells from `base` to before `stop`: for each a public key's `x` and a message."""
    air = Air("ecdsa")
    address = _walk(air, base, stop, _ECDSA_CELLS)
    key = air.column("q_x"), air.column("q_y")
    message, r, w = (air.column(name) for name in "zrw")
    zg = air.column("zg_x"), air.column("zg_y")
    rq = air.column("rq_x"), air.column("rq_y")
    sum_slope, sum_x, b_slope, b_x = (air.column(name) for name in ("sum_slope", "sum_x", "b_slope", "b_x"))
    wb = air.column("wb_x"), air.column("wb_y")
    r_slope = air.column("r_slope")

    start = curve.start()
    twice = curve.added(start, start)
    total = _add(air, sum_slope, zg, rq, sum_x)
    b = _add(air, b_slope, total, _constant(curve.negative(twice)), b_x)
    _add(air, r_slope, wb, _constant(curve.negative(start)), r)

    air.interact(buses.ECDSA_PRODUCT, -1, *curve.GENERATOR, message, 0, *zg)
    air.interact(buses.ECDSA_PRODUCT, -1, *key, r, 0, *rq)
    air.interact(buses.ECDSA_PRODUCT, -1, *b, w, 0, *wb)
    for place, value in enumerate((key[0], message)):
        air.interact(buses.MEMORY, -1, address + place, value)
    return air


def ec_op(base, stop):
    """The instances `P + m·Q` in the cells from `base` to before `stop`."""
    air = Air("ec_op")
    address = _walk(air, base, stop, _EC_OP_CELLS)
    p = air.column("p_x"), air.column("p_y")
    q = air.column("q_x"), air.column("q_y")
    m, top = air.column("m"), air.column("top")
    product = air.column("product_x"), air.column("product_y")
    sum_slope, sum_x, r_slope, r_x = (air.column(name) for name in ("sum_slope", "sum_x", "r_slope", "r_x"))
    limbs = air.column_list("limb", _LIMBS)

    air.constrain(curve.on_curve(*p))
    total = _add(air, sum_slope, p, product, sum_x)
    result = _add(air, r_slope, total, _constant(curve.negative(curve.start())), r_x)
    # With bit 251, `p − 1 − m` is below 2^197, so that `m` is no scalar less `p`.
    air.constrain(top * (-m - 1) - sum_of_limbs(limbs, _LIMB_BITS))

    for limb in limbs:
        air.interact(buses.BYTE, -1, limb)
    air.interact(buses.BYTE, -1, limbs[-1] * 2 ** (_LIMB_BITS - _LAST_LIMB_BITS))
    air.interact(buses.EC_OP_PRODUCT, -1, *q, m, top, *product)
    for place, value in enumerate((*p, *q, m, *result)):
        air.interact(buses.MEMORY, -1, address + place, value)
    return air


def _selected(air, chosen, slope, total, point):
    """A boolean `chosen` times adds a point, given as (x, y), to a sum. Gives `x` and `y(x)` of the new sum."""
    (x, y), (point_x, _) = total, point
    air.constrain(slope * (x - point_x) - chosen * (y - point[1]))
    air.constrain(slope * (point[1] + y) - chosen * (1 + point_x * point_x + x * x + point_x * x))
    air.constrain((1 - chosen) * slope)
    new_x = x + slope * slope - chosen * (point_x + 2 * x)
    return new_x, lambda at: y + slope * (x - at) - 2 * chosen * y


def product(name):
    """The table `name` of products, 128 rows each, two bits a row from the highest on."""
    air = Air(name)
    q = q_x, q_y = air.column("q_x"), air.column("q_y")
    q_slope, double_x, double_slope = (air.column(name) for name in ("q_slope", "double_x", "double_slope"))
    total = air.column("sum_x"), air.column("sum_y")
    high, high_slope, middle_x = (air.column(name) for name in ("high", "high_slope", "middle_x"))
    low, low_slope, scalar, top = (air.column(name) for name in ("low", "low_slope", "scalar", "top"))
    first = air.periodic(int(row == 0) for row in range(_ROWS))
    adds = air.periodic(int(row < _DONE) for row in range(_ROWS))
    quarters = air.periodic(int(row < _DONE - 1) for row in range(_ROWS))
    before_done = air.periodic(int(row == _DONE - 1) for row in range(_ROWS))
    done = air.periodic(int(row == _DONE) for row in range(_ROWS))

    # `Q` of a row is four times that of the next one.
    double = double_x, curve.third_y(q_slope, q, double_x)
    next_q, next_double_x = (air.next("q_x"), air.next("q_y")), air.next("double_x")
    next_double = next_double_x, curve.third_y(air.next("q_slope"), next_q, next_double_x)
    air.constrain(curve.on_curve(*q))
    air.constrain((1 - done) * (2 * q_y * q_slope - 3 * q_x * q_x - 1))
    air.constrain((1 - done) * (double_x - curve.third_x(q_slope, q, q)))
    air.constrain(2 * double_slope * double[1] - 3 * double_x * double_x - 1)
    slope = air.next("double_slope")
    air.constrain(quarters * (q_x - curve.third_x(slope, next_double, next_double)))
    air.constrain(quarters * (q_y - curve.third_y(slope, next_double, q_x)))
    air.constrain(before_done * (next_q[0] - q_x))
    air.constrain(before_done * (next_q[1] - q_y))

    start_x, start_y = curve.start()
    air.constrain(first * (total[0] - start_x))
    air.constrain(first * (total[1] - start_y))
    air.constrain(high * (1 - high))
    air.constrain(low * (1 - low))
    new_x, middle_y = _selected(air, high, high_slope, total, double)
    air.constrain(middle_x - new_x)
    new_x, sum_y = _selected(air, low, low_slope, (middle_x, middle_y(middle_x)), q)
    next_x = air.next("sum_x")
    air.constrain(next_x - new_x)
    air.constrain(air.next("sum_y") - sum_y(next_x))

    air.constrain(first * scalar)
    air.constrain(adds * (air.next("scalar") - scalar * 4 - 2 * high - low))
    air.constrain(first * (top - high))
    air.constrain(adds * (air.next("top") - top))
    # Where nothing is doubled any more, `double_x` is free: it says how often the product is wanted.
    air.interact(PRODUCT_BUSES[name], done * double_x, *q, scalar, top, *total)
    return air
