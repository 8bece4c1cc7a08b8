# SPDX-License-Identifier: Apache-2.0
"""Prometheus' text format (0.0.4), read strictly: what is malformed, twice there or inconsistent is an AssertionError."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}


def labels_of(text):
    found, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match and match[1] not in found, text
        found[match[1]] = match[2]
        at = match.end()
    return found


def check_histogram(name, samples):
    """Buckets grow, the last is +Inf and is the count, of each set of labels."""
    series = {}
    for (sample, labels), value in samples.items():
        rest = frozenset((key, text) for key, text in labels if key != "le")
        one = series.setdefault(rest, {"buckets": []})
        if sample == name + "_bucket":
            one["buckets"].append((float(dict(labels)["le"].replace("+Inf", "inf")), value))
        else:
            one[sample.removeprefix(name)] = value
    for one in series.values():
        bounds, counts = zip(*one["buckets"])
        assert list(bounds) == sorted(set(bounds)) and bounds[-1] == float("inf"), bounds
        assert list(counts) == sorted(counts) and counts[-1] == one["_count"], counts
        assert one["_sum"] >= 0 and (one["_count"] > 0) == (one["_sum"] > 0), one


def parse(text):
    """{(sample's name, frozenset of (label, value)): value}"""
    assert text.endswith("\n")
    families, current, found = {}, None, {}
    for line in text[:-1].split("\n"):
        if match := re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line):
            current = match[1]
            assert current not in families, f"{current} is there twice"
            families[current] = {"type": None, "samples": {}}
        elif match := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)", line):
            assert match[1] == current and not families[current]["type"] and not families[current]["samples"], line
            families[current]["type"] = match[2]
            assert (match[2] == "counter") == current.endswith("_total"), line
        else:
            match = SAMPLE.fullmatch(line)
            assert match and current, line
            family = families[current]
            assert match[1] in [current + suffix for suffix in SUFFIXES.get(family["type"], ("",))], line
            key = (match[1], frozenset(labels_of(match[2] or "").items()))
            assert key not in found, line
            found[key] = family["samples"][key] = float(match[3])
            assert found[key] >= 0, line
    for name, family in families.items():
        assert family["type"] and family["samples"], name
        if family["type"] == "histogram":
            check_histogram(name, family["samples"])
    return found
