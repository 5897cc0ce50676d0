"""Section 6, step 6: DEEP quotients, the folds of FRI and the final polynomial."""

from .errors import require
from .field import P, inverse, lde_point, powers, root
from .merkle import Opened, check_batch_opening, residues
from .stark_proof import LOG_FINAL, leaf_positions


def check(proof, shape, columns, challenges):
    """The opened values are those of polynomials of low degree. `columns` are the opened rows of each group."""
    incoming = _deep_quotients(proof, shape, columns, challenges)
    values = incoming.pop(shape.log_lde)
    layers = zip(shape.folds, proof.fri_caps, proof.fold_openings, challenges.folds)
    for number, ((log_size, log_arity), cap, (opened, path), beta) in enumerate(layers):
        log_leaves = log_size - log_arity
        known = {**opened, **values}
        leaves = {
            leaf: [known[position] for position in leaf_positions(leaf, log_leaves, log_arity)]
            for leaf in residues(proof.indices, log_leaves)
        }
        check_batch_opening(cap, [Opened(log_leaves, leaves)], path, f"FRI layer {number}")
        values = {leaf: _fold(leaves[leaf], lde_point(log_size, leaf), beta) for leaf in leaves}
        entering = incoming.pop(log_leaves, None)
        if entering is not None:
            factor = pow(beta, 1 << log_arity, P)
            values = {leaf: (value + factor * entering[leaf]) % P for leaf, value in values.items()}
    require(not incoming, "a group did not enter the folds")
    log_last = LOG_FINAL + shape.parameters.log_blowup
    for index, value in values.items():
        expected = _polynomial_at(proof.final_polynomial, lde_point(log_last, index))
        require(value == expected, "the folded values are not those of the final polynomial")


def _deep_quotients(proof, shape, columns, challenges):
    """For each group, by the logarithm of its LDE size, the DEEP quotient at each index that is opened."""
    result, power = {}, 1
    for group, parts, (main, lookup, quotient) in zip(shape.groups, proof.openings, columns):
        zeta, following = challenges.zeta, challenges.zeta * root(group.log_height) % P
        # For each point: where the value stands in the row, what it is at the point, its power of γ.
        terms_at = {zeta: [], following: []}
        places = _places(group)
        for point, part, part_places in zip((zeta, following, zeta, following, zeta), parts, places):
            for place, value in zip(part_places, part):
                terms_at[point].append((place, value, power))
                power = power * challenges.deep % P
        log_size = shape.log_lde_of(group)
        result[log_size] = {}
        for index in residues(proof.indices, log_size):
            row = main[index] + lookup.get(index, []) + quotient[index]
            x, total = lde_point(log_size, index), 0
            for point, terms in terms_at.items():
                numerator = sum((row[place] - value) * factor for place, value, factor in terms)
                total += numerator % P * inverse(x - point)
            result[log_size][index] = total % P
    return result


def _places(group):
    """For each of the five parts of step 7, where its columns stand in main row ‖ LogUp row ‖ quotient row."""
    width, batches = group.width, len(group.batches)
    running_sum = [width + batches - 1] if batches else []
    quotient = range(width + batches, width + batches + 2)
    return [range(width), group.next_columns, range(width, width + batches), running_sum, quotient]


def _fold(values, point, beta):
    """`Σ β^i·f_i(x^a)`, where `values` are `f` at `x, x·g_a, x·g_a², …` and `f(X) = Σ X^i·f_i(X^a)`."""
    arity = len(values)
    turns = powers(inverse(root(arity.bit_length() - 1)), arity)
    step = beta * inverse(point) % P
    total = 0
    for degree, factor in enumerate(powers(step, arity)):
        part = sum(value * turns[degree * turn % arity] for turn, value in enumerate(values))
        total += part % P * factor
    return total * inverse(arity) % P


def _polynomial_at(coefficients, point):
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * point + coefficient) % P
    return value
