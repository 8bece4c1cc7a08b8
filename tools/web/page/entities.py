#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the named character references of HTML as C, from the table that comes with Python.

One string with all names and texts, and where each begins: no pointers, so nothing to relocate when a program starts.
"""

import html.entities


def literal(text):
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\{byte:03o}" for byte in text.encode())


def main():
    print('/* Written by entities.py. */\n#include "tools/web/page/entities.h"\n')
    at, offsets, legacy = 0, [], []
    print("const char entity_bytes[] =")
    for name in sorted(name[:-1] for name in html.entities.html5 if name.endswith(";")):
        text = html.entities.html5[name + ";"]
        offsets.append(at)
        if name in html.entities.html5:
            legacy.append(at)
        print(f'\t"{name}\\0" "{literal(text)}\\0"')
        at += len(name) + len(text.encode()) + 2
    print("\t;")
    assert at < 1 << 16
    for table, values in (("entity_at", offsets), ("entity_legacy_at", legacy)):
        print(f"const uint16_t {table}[] = {{{', '.join(map(str, values))}}};")
        print(f"const size_t {table[:-3]}_count = {len(values)};")


main()
