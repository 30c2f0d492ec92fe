"""Whether this installation is sound."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.cli.installation import clashes, outdated
from tests.app.gateways import Served, install, write


def test_this_installation_has_no_clash() -> None:
    assert clashes() == ()


async def test_another_distribution_with_a_package_of_our_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    served = Served(directory=tmp_path)
    info = install(tmp_path) / "highway-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: highway\nVersion: 2.0\n")
    (info / "top_level.txt").write_text("routing\n")
    done = await asyncio.to_thread(served.run, "check")
    assert done.returncode == 2
    assert b'the distribution highway installs a package "routing" too' in done.stderr


async def test_a_package_that_shadows_ours_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    served = Served(directory=tmp_path)
    shadow = install(tmp_path) / "connectors"
    shadow.mkdir()
    (shadow / "__init__.py").write_text("")
    done = await asyncio.to_thread(served.run, "check")
    assert done.returncode == 2
    assert b'the package "connectors" is imported from' in done.stderr


def test_old_versions_are_told() -> None:
    assert outdated((3, 11, 10)) == ()
    assert outdated((3, 12, 0)) == ()
    (sentence,) = outdated((3, 11, 7))
    assert sentence.startswith("Python 3.11.7 lets a crafted mail header")
