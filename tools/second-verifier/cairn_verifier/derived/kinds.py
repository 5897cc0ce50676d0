"""Section 10: descriptions of words, owning words and paths, as the layout has them."""

from collections import namedtuple

from ..errors import require

OPEN, FALLS_THROUGH, JUMPS = 0, 1, 2
NO_OPERAND = 3
MOST_STEPS = 256
MOST_OWNED = 1 << 10
MOST_MOVED = 1 << 12


class Word(namedtuple("Word", "flags outcome")):
    """An instruction word's flags, and what its conditional jump does."""

    __slots__ = ()

    @classmethod
    def read(cls, reader):
        """From the layout."""
        flags, outcome = reader.number(2), reader.number(1)
        require(outcome in (OPEN, FALLS_THROUGH, JUMPS), f"outcome {outcome}")
        return cls(flags, outcome)


    def order(self):
        """By which words are ordered."""
        return tuple(self)

    def derived_steps(self):
        """What it counts towards the limit of derived steps and provided cells."""
        return 1


class OwningWord(namedtuple("OwningWord", "flags outcome operand owned")):
    """A word whose rows own cells: also the operand that is at `[ap]` (0 to 2, or `NO_OPERAND`), and of the owned cells the
    numbers of the columns of their uses (0: none)."""

    __slots__ = ()

    @classmethod
    def read(cls, reader):
        """From the layout."""
        flags, outcome = Word.read(reader)
        operand = reader.number(1)
        require(operand <= NO_OPERAND, f"operand {operand} of an owning word")
        cells = reader.count(2, MOST_MOVED, "cells of an owning word")
        require(cells > 0, "an owning word that owns nothing")
        used = _read_owned(reader, MOST_MOVED)
        require(len(used) <= cells and (not used or used[-1]), "the uses of owned cells do not end with a cell that is used")
        return cls(flags, outcome, operand, used + (0,) * (cells - len(used)))

    def order(self):
        """By which owning words are ordered: no operand comes before any."""
        return (self.flags, self.outcome, -1 if self.operand == NO_OPERAND else self.operand, self.owned)

    def derived_steps(self):
        """What it counts towards the limit of derived steps and provided cells."""
        return 1 + _provided(self.owned)


class Path(namedtuple("Path", "pc steps frame outcomes targets returns owned")):
    """Steps from `pc` on. `frame` is the fixed `ap - fp` or `None`; the rest are lists: what its steps use up in turn, and
    of the cells that it owns the numbers of the columns of their uses (0: none)."""

    __slots__ = ()

    @classmethod
    def read(cls, reader):
        """From the layout."""
        pc, steps = reader.number(4), reader.number(2)
        require(1 <= steps <= MOST_STEPS, f"a path of {steps} steps")
        frame = reader.signed(4) if reader.flag("a frame") else None
        outcomes = _read_outcomes(reader)
        targets = tuple(reader.number(4) for _ in range(reader.count(2, MOST_STEPS, "targets")))
        returns = tuple(reader.number(4) for _ in range(reader.count(2, MOST_STEPS, "returns")))
        require(not returns or returns[-1] != 0, "the last return of a path is 0")
        return cls(pc, steps, frame, outcomes, targets, returns, _read_owned(reader, MOST_OWNED))

    def order(self):
        """By which paths are ordered."""
        frame = (0, 0) if self.frame is None else (1, self.frame)
        return (self.pc, frame, self.steps, self.outcomes, self.targets, self.returns, self.owned)

    def derived_steps(self):
        """What it counts towards the limit of derived steps and provided cells."""
        return self.steps + _provided(self.owned)


def _read_outcomes(reader):
    count = reader.count(2, MOST_STEPS, "outcomes")
    bits = reader.number((count + 7) // 8)
    require(bits >> count == 0, "bits after the last outcome")
    return tuple(bool(bits >> place & 1) for place in range(count))


def _read_owned(reader, most):
    owned = tuple(reader.take(reader.count(2, most, "owned cells")))
    _check_numbering(owned)
    return owned


def _provided(owned):
    return sum(1 for number in owned if number)


def _check_numbering(owned):
    """Each number is one that came before, or one more than the largest so far."""
    largest = 0
    for number in owned:
        require(number <= largest + 1, "owned cells are not numbered in order")
        largest = max(largest, number)
