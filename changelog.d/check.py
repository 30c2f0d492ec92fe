"""Check that every changelog fragment has a known kind and says something."""

from __future__ import annotations

import re
import sys
from pathlib import Path

SHORTEST = 20
KINDS = ("added", "changed", "fixed", "removed", "security", "contract")
NAME = re.compile(rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(KINDS)})\.md")


def main() -> int:
    """Return 0 when all fragments are right; print a sentence for each that is not."""
    folder = Path(__file__).parent
    wrong: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name in {"README.md", "check.py"} or path.is_dir():
            continue
        if not NAME.fullmatch(path.name):
            wrong.append(
                f"changelog.d/{path.name}: name it <words-with-dashes>.<kind>.md, with one of {', '.join(KINDS)}."
            )
        elif len(path.read_text(encoding="utf-8").strip()) < SHORTEST:
            wrong.append(f"changelog.d/{path.name}: say in a sentence what changed.")
    sys.stderr.writelines(line + "\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
