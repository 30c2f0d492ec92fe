"""Each file in `wrong/` and, beside it, exactly what a person is told about it.

`BATON_UPDATE_GOLDENS=1 pytest tests/config` writes the expected files anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.toml import Problems
from tests.config.toys import ENVIRON, specs

WRONG = Path(__file__).parent / "wrong"


@pytest.mark.parametrize("name", sorted(path.stem for path in WRONG.glob("*.toml")))
def test_every_mistake_is_told_with_its_line_and_column(name: str) -> None:
    text = (WRONG / f"{name}.toml").read_text()
    with pytest.raises(Problems) as caught:
        load_config(text, f"{name}.toml", specs=specs(), environ=ENVIRON, lacking=lambda _: None)
    told = f"{caught.value}\n".replace(str(Path.cwd()), "(here)")
    golden = WRONG / f"{name}.txt"
    if os.environ.get("BATON_UPDATE_GOLDENS"):
        golden.write_text(told)
    assert told == golden.read_text()


def test_no_mistake_quotes_a_secret() -> None:
    for path in WRONG.glob("*.txt"):
        told = path.read_text()
        for secret in (*ENVIRON.values(), "hunter2", "1234", "xoxb-not-here", "plain text"):
            assert not secret.strip() or secret not in told, f"{path.name} shows {secret}"


def test_every_wrong_file_has_its_expectation() -> None:
    assert {path.stem for path in WRONG.glob("*.toml")} == {path.stem for path in WRONG.glob("*.txt")}
