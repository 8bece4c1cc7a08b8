# SPDX-License-Identifier: Apache-2.0
"""Precision, recall and F1 of runs of words, as the article extraction benchmark counts them: each page has the same weight, and
F1 is that of the mean precision and the mean recall."""

import collections
import re


def shingles(text, length):
    words = re.findall(r"\w+", text or "")
    return collections.Counter(tuple(words[i:i + length]) for i in range(max(1, len(words) - length + 1)) if words)


def page(truth, found, length=4):
    """(precision, recall) of one page; None where it says nothing."""
    true, got = shingles(truth, length), shingles(found, length)
    both = sum((true & got).values())
    precision = both / got.total() if got else None
    recall = both / true.total() if true else None
    if not true and not got:
        return 1.0, 1.0
    return precision, recall


def harmonic(precision, recall):
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def mean(values):
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else 0.0


def total(pages):
    """(F1, precision, recall, mean of each page's own F1) of a list of (precision, recall)."""
    precision, recall = mean([p for p, _ in pages]), mean([r for _, r in pages])
    own = mean([harmonic(p or 0.0, r or 0.0) for p, r in pages])
    return harmonic(precision, recall), precision, recall, own
