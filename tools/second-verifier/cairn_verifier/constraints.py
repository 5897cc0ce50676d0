"""Section 6, step 5: the combined constraints of a group at `ζ` are what its quotient chunks say."""

from functools import lru_cache

from .air import ALL, FIRST, LAST, TRANSITION
from .bus_sum import fingerprint
from .errors import require
from .expressions import Row
from .field import P, inverse, inverses, powers, root


def check_group(group, parts, total, challenges, log_blowup):
    """`parts` are the group's five parts of step 7, `total` its bus total."""
    zeta, height = challenges.zeta, 1 << group.log_height
    sums = _combined(group, parts, total, challenges)
    last = inverse(root(group.log_height))
    quotient = (
        (sums[ALL] + sums[TRANSITION] * (zeta - last)) * inverse(pow(zeta, height, P) - 1)
        + sums[FIRST] * inverse(zeta - 1)
        + sums[LAST] * inverse(zeta - last)
    )
    claimed = _joined(parts[4], pow(zeta, height, P), log_blowup)
    require((quotient - claimed) % P == 0, f"the constraints of the tables of 2^{group.log_height} rows do not hold")


def _joined(chunks, power, log_blowup):
    """The quotient from its two chunks; `power` is `ζ^N`."""
    on_coset = [pow(root(log_blowup + 1), 2 * coset + 1, P) for coset in range(2)]
    spread = inverse(on_coset[0] - on_coset[1])
    return (chunks[0] * (power - on_coset[1]) - chunks[1] * (power - on_coset[0])) * spread % P


def _combined(group, parts, total, challenges):
    """`A`, `R`, `F` and `L` by the rows that they are about."""
    rows = _member_rows(group, parts, challenges.zeta)
    values = []
    for (air, _), row in zip(group.members, rows):
        values += [(kind, constraint.at(row)) for kind, constraint in air.constraints]
    values += [(ALL, value) for value in _batch_constraints(group, rows, parts, total, challenges)]
    sums = {ALL: 0, TRANSITION: 0, FIRST: 0, LAST: 0}
    for (kind, value), power in zip(values, powers(challenges.constraints, len(values))):
        sums[kind] += value * power
    return sums


def _member_rows(group, parts, zeta):
    """For each table of the group the values of its columns at `ζ` and `ζ·g_N`."""
    main, next_values = parts[0], dict(zip(group.next_columns, parts[1]))
    rows = []
    for air, offset in group.members:
        this = main[offset : offset + air.width]
        following = {index: next_values[offset + index] for index in air.next_columns()}
        periodic = [_periodic_at(values, group.log_height, zeta) for values in air.periods]
        rows.append(Row(this, following, periodic))
    return rows


def _periodic_at(values, log_height, zeta):
    """The polynomial through `values` on `⟨g_P⟩`, taken at `ζ^(N/P)`."""
    factors = _lagrange(len(values), log_height, zeta)
    return sum(value * factor for value, factor in zip(values, factors)) % P


@lru_cache(maxsize=64)
def _lagrange(period, log_height, zeta):
    """By what `_periodic_at` multiplies each value of a period."""
    log_period = period.bit_length() - 1
    point = pow(zeta, 1 << (log_height - log_period), P)
    places = powers(root(log_period), period)
    scale = (pow(point, period, P) - 1) * inverse(period)
    return [place * term % P * scale % P for place, term in zip(places, inverses([point - place for place in places]))]


def _batch_constraints(group, rows, parts, total, challenges):
    """`h_k·D_k − M_k` for each batch but the last, then that of the running sum."""
    columns = parts[2]
    values, others = [], 0
    for index, batch in enumerate(group.batches):
        numerator, denominator = _fraction(batch, rows, challenges)
        if index + 1 < len(group.batches):
            own = columns[index]
            others += own
        else:
            own = parts[3][0] - columns[index] + total * inverse(1 << group.log_height) - others
        values.append((own * denominator - numerator) % P)
    return values


def _fraction(batch, rows, challenges):
    """`M` and `D` of a batch: the sum of its one or two fractions."""
    numerator, denominator = 0, 1
    for member, interaction in batch:
        row = rows[member]
        entries = [entry.at(row) for entry in interaction.entries]
        difference = challenges.bus_z - fingerprint(interaction.bus, entries, challenges.bus_alpha)
        multiplicity = interaction.multiplicity.at(row)
        numerator = (numerator * difference + multiplicity * denominator) % P
        denominator = denominator * difference % P
    return numerator, denominator
