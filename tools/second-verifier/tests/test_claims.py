"""What a proof of several runs claims: each rule of section 11, step 3, is checked by name; and what no rule forbids
changes the public tuples, so that the buses do not balance."""

import unittest
from copy import deepcopy
from random import Random

from cairn_verifier import buses
from cairn_verifier.bus_sum import check_bus_sum
from cairn_verifier.claim import MOST_STEPS
from cairn_verifier.errors import Refused
from cairn_verifier.field import P
from cairn_verifier.program import BUILTINS, MOST_RUNS, ProgramError, Statement
from cairn_verifier.public import public_tuples
from cairn_verifier.public_tuple import require
from cairn_verifier.stark_verify import Bound
from cairn_verifier.tables.modular import WALK_BUSES
from cairn_verifier.verify import ONE_RUN, SEVERAL_RUNS, Draft

from .cases import batches, kept_proofs, other_runs, refusal, strong_proofs
from .claims import Parts, too_many_outputs, wrong_claims


class WrittenClaims(unittest.TestCase):
    def test_each_kept_one_is_written_again(self):
        for kept in kept_proofs():
            self.assertEqual(Parts(kept.proof).file(), kept.proof, kept.name)

    def test_versions_are_not_exchanged(self):
        """One run in the form of the other version: the hash of the arguments is another one, and so is the context."""
        ours = {ONE_RUN: SEVERAL_RUNS, SEVERAL_RUNS: ONE_RUN}
        seen = set()
        for kept in kept_proofs():
            parts = Parts(kept.proof)
            if len(parts.claim.runs) > 1:
                continue
            version = ours[parts.version]
            seen.add(version)
            self.assertIn("another arguments", refusal(kept.statement, parts.file(version=version), kept.policy))
            renamed = kept.statement.hashes(version == SEVERAL_RUNS)[32:64]
            forged = parts.file(version=version, arguments_hash=renamed)
            self.assertRegex(refusal(kept.statement, forged, kept.policy), "nonce|query indices")
        self.assertEqual(seen, {ONE_RUN, SEVERAL_RUNS})

    def test_other_versions(self):
        for kept in strong_proofs() + batches():
            for version in (0, 5, 8, 1 << 31):
                data = kept.proof[:8] + version.to_bytes(4, "little") + kept.proof[12:]
                self.assertIn(f"of version {version};", refusal(kept.statement, data, kept.policy))

    def test_the_older_form_is_of_one_run(self):
        """Even if somebody has its hash of the arguments of two."""
        kept = strong_proofs()[0]
        twice = Statement(kept.statement.program, kept.statement.runs * 2, kept.statement.prover)
        renamed = Parts(kept.proof).file(arguments_hash=twice.hashes(False)[32:64])
        self.assertIn("a proof of 1 runs, not of 2", refusal(twice, renamed, kept.policy))

    def test_numbers_of_runs(self):
        program = batches()[0].statement.program
        for number in (0, MOST_RUNS + 1):
            with self.assertRaises(ProgramError):
                Statement(program, [[]] * number, bytes(32))
        self.assertEqual(len(Statement(program, [[]] * MOST_RUNS, bytes(32)).runs), MOST_RUNS)
        kept = batches()[0]
        head = len(Parts(kept.proof).head)
        number = (MOST_RUNS + 1).to_bytes(8, "little")
        data = kept.proof[: head + 4] + number + kept.proof[head + 12 :]
        self.assertIn(f"there may be {MOST_RUNS}", refusal(kept.statement, data, kept.policy))

    def test_no_start_has_one_form(self):
        """Where the flag says that there is no start of the arguments, the address is 0."""
        for kept in strong_proofs() + batches():
            parts = Parts(kept.proof)
            run = parts.claim.runs[0]
            if run.arguments_start is None:
                absent = bytes(5) + len(run.output).to_bytes(8, "little")
                body = parts.file()[len(parts.head) :]
                place = len(parts.head) + body.index(absent) + 1
                self.assertEqual(_with_byte(kept.proof, place, 0), kept.proof)
                data = _with_byte(kept.proof, place, 9)
                self.assertIn("a start of arguments that is none", refusal(kept.statement, data, kept.policy))

    def test_values_of_all_outputs_are_bounded_together(self):
        for kept in batches():
            data = Parts(kept.proof).file(too_many_outputs(Parts(kept.proof).claim))
            self.assertIn("output values; there may be", refusal(kept.statement, data, kept.policy))


def _with_byte(data, place, value):
    return data[:place] + bytes([value]) + data[place + 1 :]


class WrongClaims(unittest.TestCase):
    def test_each_is_named(self):
        named = set()
        for kept in batches() + strong_proofs():
            parts = Parts(kept.proof)
            for what, ours, _, claim in wrong_claims(parts.claim, kept.statement.program):
                if parts.can_hold(claim):
                    reason = refusal(kept.statement, parts.file(claim), kept.policy)
                    self.assertIsNotNone(reason, f"{kept.name}: {what}")
                    self.assertIn(ours, reason, f"{kept.name}: {what}")
                    named.add(ours)
        parts = ("the part of add_mod", "the part of output", "the part of range_check")
        for words in ("begins below the final ap", "just behind the program", *parts):
            self.assertTrue(any(words in ours for ours in named), words)

    def test_steps_in_all(self):
        for kept in batches():
            parts = Parts(kept.proof)
            if len(parts.claim.runs) > 1:
                claim = deepcopy(parts.claim)
                for run in claim.runs:
                    run.steps = MOST_STEPS // len(claim.runs) + 1
                reason = refusal(kept.statement, parts.file(claim), kept.policy)
                self.assertIn("more steps in all", reason)

    def test_claims_of_other_arguments(self):
        """The file says that it is about what the statement says; then claim, length or transcript do not fit."""
        seen = set()
        for kept in batches():
            parts = Parts(kept.proof)
            for what, other in other_runs(kept.statement):
                renamed = parts.file(arguments_hash=other.hashes(True)[32:64])
                reason = refusal(other, renamed, kept.policy)
                self.assertIsNotNone(reason, f"{kept.name}: {what}")
                seen.add(reason)
        for words in ("begin with the arguments", "runs, not of", "nonce"):
            self.assertTrue(any(words in reason for reason in seen), words)

    def test_runs_left_out_of_both(self):
        """Statement and claim lose a run: the others' places betray it, or the transcript."""
        for kept in batches():
            parts = Parts(kept.proof)
            for place in range(len(parts.claim.runs)):
                if len(parts.claim.runs) > 1:
                    claim = deepcopy(parts.claim)
                    del claim.runs[place]
                    runs = kept.statement.runs[:place] + kept.statement.runs[place + 1 :]
                    other = Statement(kept.statement.program, runs, kept.statement.prover)
                    data = parts.file(claim, arguments_hash=other.hashes(True)[32:64])
                    self.assertIsNotNone(refusal(other, data, kept.policy), f"{kept.name}: {place}")


class PublicTuples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = batches()
        cls.drafts = [Draft(kept.statement, kept.proof, kept.policy) for kept in cls.kept]
        cls.bounds = [Bound(draft.proof, draft.shape, draft.context, draft.public_tuples) for draft in cls.drafts]

    def balance(self, draft, bound, statement, claim):
        """Whether the buses balance with the public tuples of another statement and claim."""
        honest = public_tuples(self.statement_of(draft), draft.claim, draft.layout)
        terms = bound.public_tuples[len(honest) :]
        try:
            tuples = public_tuples(statement, claim, draft.layout) + terms
            check_bus_sum(bound.proof, bound.shape, tuples, bound.challenges)
        except Refused:
            return False
        return True

    def statement_of(self, draft):
        return self.kept[self.drafts.index(draft)].statement

    def test_claims_that_no_rule_forbids(self):
        """Were the claim not absorbed, the buses would still tell it from the true one."""
        seen = set()
        for draft, bound in zip(self.drafts, self.bounds):
            statement = self.statement_of(draft)
            self.assertTrue(self.balance(draft, bound, statement, draft.claim))
            for what, claim in _possible(draft.claim, statement.program):
                claim.check(statement, draft.layout.memory_end(claim.owned_end))
                self.assertFalse(self.balance(draft, bound, statement, claim), what)
                seen.add(what)
        expected = ("steps", "steps to the next", "final ap", "offset", "output", "start", "border", "first base")
        for what in (*expected, "owned end"):
            self.assertIn(what, seen)

    def test_statements(self):
        """The arguments of a Cairo 2 program stand in no output: the memory bus has them."""
        seen = 0
        for draft, bound in zip(self.drafts, self.bounds):
            statement = self.statement_of(draft)
            if statement.program.pointer_offset is not None:
                for what, other in other_runs(statement):
                    if len(other.runs) == len(statement.runs):
                        self.assertFalse(self.balance(draft, bound, other, draft.claim), what)
                        seen += 1
        self.assertGreater(seen, 4)

    def test_each_tuple_counts(self):
        """No public tuple may be missing, or be another one."""
        random = Random(3)
        for draft, bound in zip(self.drafts, self.bounds):
            honest = public_tuples(self.statement_of(draft), draft.claim, draft.layout)
            for place in range(len(honest)):
                tuples = list(bound.public_tuples)
                del tuples[place]
                self.unbalanced(bound, tuples)
                item = bound.public_tuples[place]
                entries = list(item.entries)
                column = random.randrange(len(entries))
                entries[column] = (entries[column] + 1) % P
                tuples.insert(place, item._replace(entries=tuple(entries)))
                self.unbalanced(bound, tuples)

    def unbalanced(self, bound, tuples):
        with self.assertRaises(Refused) as raised:
            check_bus_sum(bound.proof, bound.shape, tuples, bound.challenges)
        self.assertIn("balance", str(raised.exception))

    def test_first_and_last_states(self):
        """Clocks go on from run to run with one between."""
        for draft in self.drafts:
            program, clock = self.statement_of(draft).program, 0
            states = [item for item in draft.public_tuples if item.bus == buses.STATE][: 2 * len(draft.claim.runs)]
            for run, first, last in zip(draft.claim.runs, states[::2], states[1::2]):
                start = program.end + 2 + run.offset
                self.assertEqual((first.multiplicity, list(first.entries)), (1, [1, start, start, clock]))
                clock += run.steps
                self.assertEqual((last.multiplicity, list(last.entries)), (P - 1, [5, run.final_ap, start, clock]))
                clock += 1

    def test_batches_end_where_runs_end(self):
        """For each border amid the segment, the cell that counts the rest of a batch is required to be 1; and no batch
        of these proofs would pass if it did not end there."""
        borders = 0
        for draft, bound in zip(self.drafts, self.bounds):
            statement = self.statement_of(draft)
            honest = public_tuples(statement, draft.claim, draft.layout)
            for name in WALK_BUSES:
                if name not in statement.program.builtins:
                    continue
                base, stop = draft.claim.segment(statement.program, name)
                parts = [run.part(statement.program, name) for run in draft.claim.runs]
                wanted = [require(buses.MEMORY, end - 1, 1) for begin, end in parts if begin < end < stop]
                place = [item.bus for item in honest].index(WALK_BUSES[name]) + 2
                self.assertEqual(honest[place : place + len(wanted)], wanted)
                self.assertNotIn(require(buses.MEMORY, stop - 1, 1), honest)
                borders += len(wanted)
                # Amid a batch the cell is greater than 1.
                for border in range(base + 7, stop, 7):
                    tuples = list(bound.public_tuples)
                    if wanted and border not in [end for _, end in parts]:
                        tuples[place] = require(buses.MEMORY, border - 1, 1)
                        self.unbalanced(bound, tuples)
        self.assertGreater(borders, 1)


def _possible(claim, program):
    """(what, claim) for claims that pass step 3."""
    last = len(claim.runs) - 1
    for place, run in enumerate(claim.runs):

        def changed(change, place=place):
            other = deepcopy(claim)
            change(other, other.runs[place])
            return other

        def steps_to_next(other, one, place=place):
            one.steps += 1
            other.runs[place + 1].steps -= 1

        def output(_, one):
            one.output[-1] = (one.output[-1] + 1) % P

        yield "steps", changed(lambda _, one: setattr(one, "steps", one.steps + 1))
        if len(run.output) > len(set(program.builtins) & {"output"}):
            yield "output", changed(output)
        if run.arguments_start is not None:
            yield "start", changed(lambda _, one: setattr(one, "arguments_start", one.arguments_start - 1))
        if place < last:
            after = claim.runs[place + 1]
            yield "steps to the next", changed(steps_to_next)
            if after.initial_ap(program) - 2 > run.final_ap:
                yield "final ap", changed(lambda _, one: setattr(one, "final_ap", one.final_ap + 1))
            yield from _borders(claim, program, place)
        least = run.initial_ap(program) + 2 * len(program.builtins)
        if run.final_ap > least:
            yield "final ap", changed(lambda _, one: setattr(one, "final_ap", one.final_ap - 1))
            if place:
                yield "offset", changed(lambda _, one: setattr(one, "offset", one.offset + 1))
    higher = deepcopy(claim)
    higher.owned_end += 1
    yield "owned end", higher
    for index, name in enumerate(program.builtins):
        if name != "output" and claim.runs[0].segments[index][0] > 20:
            other = deepcopy(claim)
            base, stop = other.runs[0].segments[index]
            other.runs[0].segments[index] = (base - BUILTINS[name], stop)
            yield "first base", other


def _borders(claim, program, place):
    """An instance goes from a run to the next, or the other way."""
    for index, name in enumerate(program.builtins):
        if name == "output":
            continue
        for by in (BUILTINS[name], -BUILTINS[name]):
            other = deepcopy(claim)
            one, two = other.runs[place], other.runs[place + 1]
            (base, border), (_, stop) = one.segments[index], two.segments[index]
            border += by
            one.segments[index], two.segments[index] = (base, border), (border, stop)
            if base <= border <= stop:
                yield "border", other
