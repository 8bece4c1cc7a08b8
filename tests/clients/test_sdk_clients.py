# SPDX-License-Identifier: Apache-2.0
"""Clients that are built: the Go and Rust SDKs over HTTP, in both eras. tests/clients/run builds them and runs this."""

import os

import pytest
from client import MODERN
from conftest import BUILD
from test_clients import check_client, reached  # noqa: F401  (a fixture)


@pytest.mark.parametrize("language,mode,version", [
    ("go", MODERN, MODERN), ("go", "2025-11-25", "2025-11-25"), ("go", "2025-03-26", "2025-03-26"),
    ("rust", "legacy", "2025-11-25"), ("rust", "auto", MODERN), ("rust", MODERN, MODERN)])
def test_sdk(reached, site, tools, language, mode, version):  # noqa: F811
    check_client(site, tools, [os.path.join(BUILD, "clients", language), mode], version, reached, HOME="/nonexistent")
