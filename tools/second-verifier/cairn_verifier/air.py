"""Section 2: AIRs, tables, groups of one height and their batches of interactions."""

from .errors import require
from .expressions import column, expression, next_column, periodic_column
from .field import P

ALL, TRANSITION, FIRST, LAST = "all", "transition", "first", "last"

LOG_HEIGHTS = range(6, 31)
MOST_TABLES = 256
MOST_TERMS = 1 << 44

_MOST_DEGREE = {ALL: 3, TRANSITION: 3, FIRST: 2, LAST: 2}


class Interaction:
    """A bus, a signed multiplicity (positive: provided, negative: required) and a tuple."""

    def __init__(self, bus, multiplicity, entries):
        self.bus = bus
        self.multiplicity = expression(multiplicity)
        self.entries = [expression(entry) for entry in entries]

    def pairable(self):
        """Whether it may share a batch with another one."""
        return self.multiplicity.degree <= 2 and all(entry.degree <= 1 for entry in self.entries)


class Air:
    """A table's columns, periodic columns, constraints (rows, expression) and interactions, built in order."""

    def __init__(self, name):
        self.name = name
        self.columns = []
        self.periods = []
        self.constraints = []
        self.interactions = []

    def column(self, name):
        """A further main column."""
        self.columns.append(name)
        return column(len(self.columns) - 1)

    def column_list(self, name, count):
        """`count` further main columns `name[0]`, `name[1]`, …"""
        return [self.column(f"{name}[{index}]") for index in range(count)]

    def next(self, name):
        """A column that was made, on the next row."""
        return next_column(self.columns.index(name))

    def periodic(self, values):
        """A further periodic column with this period."""
        self.periods.append([value % P for value in values])
        return periodic_column(len(self.periods) - 1)

    def constrain(self, value, rows=ALL):
        """`value` vanishes on `rows`."""
        value = expression(value)
        assert value.degree <= _MOST_DEGREE[rows], self.name
        self.constraints.append((rows, value))

    def interact(self, bus, multiplicity, *entries):
        """A term of the bus sum on every row."""
        interaction = Interaction(bus, multiplicity, entries)
        assert interaction.multiplicity.degree <= 3 and all(entry.degree <= 2 for entry in interaction.entries)
        self.interactions.append(interaction)

    def require(self, bus, enabler, *entries):
        """`enabler` times, requires the tuple."""
        self.interact(bus, -enabler, *entries)

    def provide(self, bus, enabler, *entries):
        """`enabler` times, provides the tuple."""
        self.interact(bus, enabler, *entries)

    @property
    def width(self):
        """The number of main columns."""
        return len(self.columns)

    def next_columns(self):
        """The main columns that some constraint reads on the next row, ascending."""
        return sorted(set().union(*(value.next_columns for _, value in self.constraints)))

    def is_local(self):
        """Whether every constraint is about one row by itself, whichever it is (section 9, disclosed tables)."""
        return not self.next_columns() and all(rows == ALL for rows, _ in self.constraints)


class Table:
    """An AIR with a height of `2^log_height` rows."""

    def __init__(self, air, log_height):
        self.air = air
        self.log_height = log_height


class Group:
    """The tables of one height. `members` pairs each with the number of columns before its own."""

    def __init__(self, log_height, tables):
        self.log_height = log_height
        self.members = []
        self.width = 0
        for table in tables:
            self.members.append((table.air, self.width))
            self.width += table.air.width
        self.next_columns = [offset + index for air, offset in self.members for index in air.next_columns()]
        self.batches = _batches(self.members)
        self.n_constraints = sum(len(air.constraints) for air, _ in self.members) + len(self.batches)


def _batches(members):
    """The batches in order, each of one or two (member, interaction)."""
    batches, open_batch = [], None
    for member, (air, _) in enumerate(members):
        for interaction in air.interactions:
            entry = (member, interaction)
            if not interaction.pairable():
                batches.append([entry])
            elif open_batch is not None:
                open_batch.append(entry)
                open_batch = None
            else:
                open_batch = [entry]
                batches.append(open_batch)
    return batches


def groups_of(tables):
    """The groups, by descending height."""
    heights = sorted({table.log_height for table in tables}, reverse=True)
    return [Group(height, [table for table in tables if table.log_height == height]) for height in heights]


def check_tables(tables):
    """The bounds of section 2."""
    require(1 <= len(tables) <= MOST_TABLES, f"{len(tables)} tables; there may be {MOST_TABLES}")
    require(all(table.log_height in LOG_HEIGHTS for table in tables), "a table's height is out of bounds")
    for table in tables:
        longest = max(map(len, table.air.periods), default=1)
        require(1 << table.log_height >= longest, f"the table {table.air.name} has fewer rows than a period")
    terms = sum(len(table.air.interactions) << table.log_height for table in tables)
    require(terms <= MOST_TERMS, "more than 2^44 bus terms")


def check_arities(tables, public_tuples):
    """Each bus number has one arity (section 6, step 1)."""
    arities = {}
    uses = [(item.bus, len(item.entries)) for table in tables for item in table.air.interactions]
    uses += [(item.bus, len(item.entries)) for item in public_tuples]
    for bus, arity in uses:
        require(arities.setdefault(bus, arity) == arity, f"bus {bus} has tuples of {arities[bus]} and {arity} entries")
