"""The tables of the builtin `keccak`: its cells in 16 rows an instance, the rounds of Keccak-f[1600] in five rows each,
and two tables that these look up.

A lane is the number whose digits to the base 8 are its bits: so a few lanes are added digit by digit without carries, and
the table keccak_chunks says what a round makes of a few digits of a sum. The five lanes of a row are in *slots*. Row
`plane` of a round takes into slot `y` the lane of sheet `x = y + 3·plane` and plane `y`, which π moves to sheet `y` of
plane `plane`: so that χ, which goes along planes, stays in the row."""

from .. import buses
from ..air import FIRST, LAST, TRANSITION, Air
from ..field import P, inverse

_SIDE = 5
_LANES = _SIDE * _SIDE
_LANE_BITS, _LANE_BYTES = 64, 8
_ROUNDS = 24

_CELLS = 16
_WORDS, _WORD_BYTES = 8, 25

_ROWS = 128
_IDLE = _ROWS - _ROUNDS * _SIDE
_PLACES = _ROWS * _SIDE
_FIRST_PLACE, _LAST_PLACE = (_IDLE - _SIDE) * _SIDE, _PLACES - _LANES

_DIGITS, _TOTAL_DIGITS = 5, 4
_CHUNKS, _TOTAL_CHUNKS = 13, 16
_IOTA_CHUNKS = (0, 1, 3, 6, 12)
# The operations of the table keccak_chunks: bit 0 of each of five digits, bit 1 of them, bit 0 of each of four.
_PARITY, _CHI, _PARITY4 = range(3)
_ONES = 0o11111
_BLOCK = 1 << 10


def _offsets():
    """How far ρ rotates the lane of plane `y` and sheet `x` (FIPS 202, section 3.2.2)."""
    offsets = [[0] * _SIDE for _ in range(_SIDE)]
    x, y = 1, 0
    for step in range(_LANES - 1):
        offsets[y][x] = (step + 1) * (step + 2) // 2 % _LANE_BITS
        x, y = y, (2 * x + 3 * y) % _SIDE
    return offsets


def _constants():
    """What ι adds to the first lane in each round (section 3.2.5)."""
    constants, register = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for place in range(7):
            constant |= (register & 1) << (2**place - 1)
            register <<= 1
            if register >> 8:
                register ^= 0b1_0111_0001
        constants.append(constant)
    return constants


OFFSETS = _offsets()
CONSTANTS = _constants()


def _spread(number):
    """The number whose digits to the base 8 are the bits of `number`."""
    return int(bin(number)[2:], 8)


def _octal(exponent):
    return pow(8, exponent, P)


def _joined(parts, digits, at=0):
    """Parts of so many digits put together, the lowest first and `at` digits up."""
    return sum(part * _octal(at + digits * place) for place, part in enumerate(parts))


def _selectors(air, period, owners, count):
    """For each number below `count` the periodic column that is 1 in rows whose owner it is."""
    return [air.periodic(int(owners(row) == number) for row in range(period)) for number in range(count)]


def keccak(base, stop):
    """The instances in the cells from `base` to before `stop`."""
    air = Air("keccak")
    address, place = air.column("address"), air.column("place")
    octets, spreads = air.column_list("byte", _WORD_BYTES), air.column_list("spread", _WORD_BYTES)
    lanes, rest = air.column_list("lane", 3), air.column("rest")
    last = air.periodic(int(row == _CELLS - 1) for row in range(_CELLS))
    words = _selectors(air, _WORDS, lambda row: row, _WORDS)

    step = air.next("address") - address
    air.constrain(address - base, FIRST)
    air.constrain(step * (step - _CELLS), TRANSITION)
    air.constrain((1 - last) * step, TRANSITION)
    air.constrain(address + _CELLS - stop, LAST)
    air.constrain(air.next("place") - place - last * _PLACES, TRANSITION)

    # Three lanes have one byte less than a cell: cell `word` of a state begins with the last `8 − word` bytes of a lane,
    # and ends with the first `word + 1` of another.
    next_spreads = [air.next(f"spread[{index}]") for index in range(_LANE_BYTES)]
    first = 0
    for word, on in enumerate(words):
        following = (word + 1) % _WORDS
        begun = 0 if following == 0 else rest
        first += on * (begun + _joined(next_spreads[: _LANE_BYTES - following], 8, 8 * following))
    air.constrain(air.next("lane[0]") - first)
    for index in (1, 2):
        starts = [_LANE_BYTES * index - word for word in range(_WORDS)]
        whole = [_joined(spreads[start : start + _LANE_BYTES], 8) for start in starts]
        air.constrain(lanes[index] - sum(on * value for on, value in zip(words, whole)))
    begun = [_joined(spreads[_LANE_BYTES * 3 - word :], 8) for word in range(_WORDS)]
    air.constrain(rest - sum(on * value for on, value in zip(words, begun)))

    number = air.periodic(range(_CELLS))
    cell = sum(octet * 2 ** (8 * index) for index, octet in enumerate(octets))
    air.require(buses.MEMORY, 1, address + number, cell)
    for octet, spread in zip(octets, spreads):
        air.require(buses.KECCAK_BYTE, 1, octet, spread)
    # The lanes of the state before the permutation are provided, those of the state after it required.
    sides = [1] * _WORDS + [-1] * _WORDS
    given = air.periodic(sides)
    last_given = air.periodic(side * (row % _WORDS == _WORDS - 1) for row, side in enumerate(sides))
    firsts = [start + 3 * word for start in (_FIRST_PLACE, _LAST_PLACE) for word in range(_WORDS)]
    place = place + air.periodic(firsts)
    for index, lane in enumerate(lanes):
        air.provide(buses.KECCAK_LANE, given, place + index, lane)
    air.provide(buses.KECCAK_LANE, last_given, place + 3, rest)
    return air


def _sheet(plane, slot):
    return (slot + 3 * plane) % _SIDE


def _digits(chunk):
    """Of a moved lane's chunk: the last one has one less."""
    return _DIGITS - 1 if chunk == _CHUNKS - 1 else _DIGITS


def _unmoved(chunks, head, plane, slot):
    """The lane whose moved chunks these are. Where the lane's lowest bit is not its chunk's lowest, the digits below it,
    which are `head`, are the lane's highest."""
    offset = OFFSETS[slot][_sheet(plane, slot)]
    cut, below = divmod(offset, _DIGITS)
    lane = 0
    for chunk, value in enumerate(chunks):
        if below and chunk == cut:
            down = inverse(_octal(below))
            lane += value * down + head * (_octal(_LANE_BITS - below) - down)
        else:
            lane += value * _octal((_DIGITS * chunk - offset) % _LANE_BITS)
    return lane


def _constant(row, chunk):
    """A chunk of what ι adds to the first slot of a permutation's row."""
    turn, plane = divmod(row - _IDLE, _SIDE)
    if turn < 0 or plane:
        return 0
    return _spread(CONSTANTS[turn] >> _DIGITS * chunk & (2**_DIGITS - 1))


def rounds():
    """The rounds, 128 rows a permutation, of which the first eight have no work."""
    air = Air("keccak_rounds")
    number = air.column("row")
    names = ("lane", "partial", "total", "parity", "top")
    lanes, partials, totals, parities, tops = (air.column_list(name, _SIDE) for name in names)
    names = ("total_chunk", "parity_chunk")
    total_chunks, parity_chunks = (air.column_list(name, _TOTAL_CHUNKS) for name in names)
    sum_chunks, heads = air.column_list("sum_chunk", _SIDE * _CHUNKS), air.column_list("head", _SIDE)
    moved_chunks, mixed_chunks = (air.column_list(name, _SIDE * _CHUNKS) for name in ("moved_chunk", "mixed_chunk"))
    iota_chunks = air.column_list("iota_chunk", len(_IOTA_CHUNKS))
    air.constrain(number, FIRST)
    air.constrain(air.next("row") - number - 1, TRANSITION)
    planes = _selectors(air, _ROWS, lambda row: (row - _IDLE) % _SIDE if row >= _IDLE else None, _SIDE)
    not_last, working = sum(planes[:-1]), sum(planes)

    # θ's parities: each row adds its lanes to their sheets' sums, and has the chunks of the total of one sheet. The sheet
    # of a slot is two slots on in the next row. A total need not be carried on from slot 3: it was in slot 0 by then.
    for slot in range(_SIDE):
        following = (slot + 2) % _SIDE
        added = partials[slot] + lanes[slot]
        air.constrain(planes[0] * partials[slot])
        air.constrain(not_last * (air.next(f"partial[{following}]") - added))
        air.constrain(planes[-1] * (totals[slot] - added))
        for name, columns in (("total", totals), ("parity", parities), ("top", tops)):
            if (name, slot) != ("total", 3):
                air.constrain(not_last * (air.next(f"{name}[{following}]") - columns[slot]))
    air.constrain(totals[0] - _joined(total_chunks, _TOTAL_DIGITS))
    air.constrain(parities[0] - _joined(parity_chunks, _TOTAL_DIGITS))

    # θ and ρ: a lane, the parity of the sheet before its own and that of the sheet after it, rotated by one.
    for slot in range(_SIDE):
        before, after = (slot - 1) % _SIDE, (slot + 1) % _SIDE
        rotated = parities[after] * 8 - tops[after] * (_octal(_LANE_BITS) - 1)
        chunks = sum_chunks[_CHUNKS * slot : _CHUNKS * (slot + 1)]
        moved = sum(on * _unmoved(chunks, heads[slot], plane, slot) for plane, on in enumerate(planes))
        air.constrain(working * (lanes[slot] + parities[before] + rotated) - moved)

    for total, parity in zip(total_chunks, parity_chunks):
        air.require(buses.KECCAK_CHUNK, 1, _PARITY4, total, parity)
    # The last chunk's fourth digit is `top`: eight times the others are below 2^12.
    air.require(buses.WORD12, 1, (parity_chunks[-1] - tops[0] * _octal(_TOTAL_DIGITS - 1)) * 8)
    for index, (value, moved) in enumerate(zip(sum_chunks, moved_chunks)):
        operation = _PARITY if _digits(index % _CHUNKS) == _DIGITS else _PARITY4
        air.require(buses.KECCAK_CHUNK, 1, operation, value, moved)
    for head in heads:
        air.require(buses.WORD12, 1, head)
    # χ: bit 1 of `2a + 1 − b + c` is `a ⊕ (¬b ∧ c)`.
    for index, mixed in enumerate(mixed_chunks):
        a, b, c = (moved_chunks[(index + ahead * _CHUNKS) % len(moved_chunks)] for ahead in range(3))
        ones = _spread(2 ** _digits(index % _CHUNKS) - 1)
        air.require(buses.KECCAK_CHUNK, 1, _CHI, a * 2 + ones - b + c, mixed)
    results = list(mixed_chunks)
    for chunk, result in zip(_IOTA_CHUNKS, iota_chunks):
        constant = air.periodic(_constant(row, chunk) for row in range(_ROWS))
        air.require(buses.KECCAK_CHUNK, 1, _PARITY, results[chunk] + constant, result)
        results[chunk] = result

    # A row takes lanes of the rows of the round before, from that of plane `slot` the slot of the sheet.
    for slot, lane in enumerate(lanes):
        back = [_sheet(plane, slot) - _SIDE * (plane + _SIDE - slot) for plane in range(_SIDE)]
        place = number * _SIDE + sum(on * distance for on, distance in zip(planes, back))
        air.require(buses.KECCAK_LANE, working, place, lane)
    for slot in range(_SIDE):
        lane = _joined(results[_CHUNKS * slot : _CHUNKS * (slot + 1)], _DIGITS)
        air.provide(buses.KECCAK_LANE, working, number * _SIDE + slot, lane)
    return air


def _low(row):
    """The number whose digits to the base 8 are those of `row` to the base 5; 0 if these are more than four."""
    return sum(row // 5**place % 5 * 8**place for place in range(4)) if row < 5**4 else 0


def chunks():
    """What the operations make of a few digits: the lowest four by periodic columns, the top one by its bits."""
    air = Air("keccak_chunks")
    bits, multiplicities = air.column_list("bit", 3), air.column_list("multiplicity", 3)
    for bit in bits:
        air.constrain(bit * (1 - bit))
    lows = list(map(_low, range(_BLOCK)))
    digits = air.periodic(lows)
    parity = air.periodic(low & _ONES for low in lows)
    chi = air.periodic(low >> 1 & _ONES for low in lows)
    number = air.periodic(range(_BLOCK))
    parity4 = air.periodic(row & _ONES for row in range(_BLOCK))
    two = bits[0] + bits[1] * 2
    digits = digits + (two + bits[2] * 4) * 8**4
    air.provide(buses.KECCAK_CHUNK, multiplicities[0], _PARITY, digits, parity + bits[0] * 8**4)
    air.provide(buses.KECCAK_CHUNK, multiplicities[1], _CHI, digits, chi + bits[1] * 8**4)
    air.provide(buses.KECCAK_CHUNK, multiplicities[2], _PARITY4, number + two * _BLOCK, parity4)
    return air


def spread_bytes():
    """All bytes, and their bits spread."""
    air = Air("keccak_bytes")
    multiplicity = air.column("multiplicity")
    pair = [air.periodic(range(256)), air.periodic(map(_spread, range(256)))]
    air.provide(buses.KECCAK_BYTE, multiplicity, *pair)
    return air
