"""Many verifications, on all cores."""

import os
from concurrent.futures import ProcessPoolExecutor

from .cases import refusal

_CHUNK = 8


def _refusals(task):
    statement, policy, files = task
    return [refusal(statement, data, policy) for data in files]


def refusals(kept, files):
    """What `refusal` says of each file for the statement of a kept proof, in order."""
    tasks = [(kept.statement, kept.policy, files[start : start + _CHUNK]) for start in range(0, len(files), _CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return [reason for chunk in pool.map(_refusals, tasks) for reason in chunk]
