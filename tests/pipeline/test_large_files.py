"""Files are carried in bounded memory, however large and however many (promise I27): in pieces, from the vendor to the vendor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: Four at a time are fetched: as whole bytes they would be 128 MB, and joined from their pieces more.
SIZE = 32_000_000
COUNT = 4
ROOM = 24_000_000


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is asked of Linux")
def test_four_large_files_take_less_memory_than_one_of_them(tmp_path: Path, where: dict[str, str]) -> None:
    url = where.get("url") or f"sqlite:///{tmp_path / 'baton.db'}"
    run = subprocess.run(
        [sys.executable, "-m", "tests.pipeline.large_files", url, str(SIZE), str(COUNT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    peaks = json.loads(run.stdout)
    assert peaks["brought"] < ROOM, peaks
    assert peaks["given"] < ROOM, peaks
