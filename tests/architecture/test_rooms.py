"""What import contracts cannot say: sizes, allow-lists, and words that must not occur."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "connectors", "normalizers", "routing")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 70


def modules(*folders: str) -> list[Path]:
    """Return the Python files under some folders, relative to the root."""
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Yield what a module imports when it runs: imports for type checking alone are left out."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            skipped.update(inner for part in node.body for inner in ast.walk(part))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def top(name: str) -> str:
    return name.partition(".")[0]


#: Room → what it may import beside the standard library. The first matching prefix counts.
ALLOWED = {
    "gateway/model/": {"gateway.model", "msgspec"},
    "gateway/sdk/": {"gateway.model", "gateway.sdk", "msgspec", "pydantic"},
    "gateway/toml.py": {"gateway.slips", "gateway.toml_words", "tree_sitter", "tree_sitter_toml"},
    "gateway/toml_words.py": {"gateway.slips"},
    "gateway/slips.py": set[str](),
    "gateway/clock.py": set[str](),
    "normalizers/": {"gateway.model", "normalizers", "phonenumbers", "py3langid"},
    "routing/": {
        *("gateway.model", "gateway.slips", "gateway.toml", "routing"),
        *("ahocorasick_rs", "dateutil", "holidays", "icalendar", "msgspec", "rapidfuzz", "vaderSentiment"),
    },
}

#: Standard modules that pure rooms must not touch: they do I/O, or know the time, or chance.
IMPURE = {"asyncio", "logging", "socket", "sqlite3", "subprocess", "threading", "random", "secrets", "time", "os", "io"}


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=str)
def test_a_room_imports_only_what_its_list_allows(path: Path) -> None:
    room = next((prefix for prefix in ALLOWED if path.as_posix().startswith(prefix)), None)
    if room is None:
        return
    for name in imports(path):
        if top(name) in sys.stdlib_module_names:
            assert top(name) not in IMPURE or room == "gateway/clock.py", f"{path} imports {name}"
        else:
            assert any(name == door or name.startswith(door + ".") for door in ALLOWED[room]), f"{path} imports {name}"


@pytest.mark.parametrize("path", [p for p in modules("connectors") if len(p.parts) > 2], ids=str)
def test_a_connector_imports_the_sdk_and_its_vendor(path: Path) -> None:
    connector = path.parts[1]
    sandbox = path.name.startswith("sandbox")
    for name in imports(path):
        if top(name) == "gateway":
            door = name == "gateway.sdk" or (sandbox and name.startswith("gateway.testing"))
            assert door, f"{path} imports {name}"
        if top(name) == "connectors":
            assert name.startswith(f"connectors.{connector}"), f"{path} imports {name}"
            assert sandbox or not name.startswith(f"connectors.{connector}.sandbox"), f"{path} imports {name}"


@pytest.mark.parametrize("path", modules("gateway", "normalizers", "routing"), ids=str)
def test_nobody_names_a_connector(path: Path) -> None:
    assert not [name for name in imports(path) if top(name) == "connectors"]


def test_the_roof_imports_nothing() -> None:
    assert not list(imports(Path("gateway/__init__.py")))


@pytest.mark.parametrize("path", modules(*PACKAGES, "tests", "bench"), ids=str)
def test_rooms_stay_small(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_MODULE, f"{path} is too long: look for the wall that was missed"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{path}:{node.lineno}: {node.name} has {length} lines"


def test_names_say_what_things_are() -> None:
    vague = re.compile(r"(Manager|Service|Util|Utils|Helper|Base|Data|Info)$")
    for path in modules(*PACKAGES):
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                assert not vague.search(node.name), f"{path}:{node.lineno}: {node.name}"
        assert path.name not in {"utils.py", "helpers.py", "base.py", "common.py", "misc.py"}


def test_locks_carry_hashes_and_no_addresses() -> None:
    for lock in ("demo.lock", "dev.lock"):
        text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
        assert "://" not in text
        pinned = re.findall(r"^([a-z0-9-]+(?:\[.*\])?==.*)$", text, re.MULTILINE)
        assert pinned
        for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_every_dependency_is_explained() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    wanted = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    for group in project["dependency-groups"].values():
        wanted += group
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for requirement in wanted:
        found = re.match(r"[A-Za-z0-9-]+", requirement)
        assert found
        name = found.group()
        if name != "baton-gateway":
            assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page), (
                f"docs/dependencies.md does not explain {name}"
            )


def test_every_name_of_the_sdk_is_documented() -> None:
    import gateway.sdk

    page = (ROOT / "docs" / "reference" / "contract.md").read_text(encoding="utf-8")
    for name in gateway.sdk.__all__:
        assert f"`{name}" in page, f"docs/reference/contract.md does not explain {name}"
