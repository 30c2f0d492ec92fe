"""Files that a policy names and that stand beside it: how they are asked for, and how they are kept with its text.

A policy is kept by the hash of its text, and read again for as long as an episode runs under it. What stood in the other files
must be the same then, whatever they hold by that time: so it is kept in the text itself, in comments at its end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from gateway.toml import Problem, Problems

#: Gives the text of a file by its name, relative to the policy. Raises `Problems` with one sentence when it cannot.
Beside: TypeAlias = Callable[[str], str]

#: What each such comment begins with; after it a list of the file's name and its text, as JSON.
_MARK: Final = "\n# beside this policy: "


def kept(text: str) -> Beside:
    """Return what gives the files that a text of `with_files` keeps."""
    files = dict(_read(each) for each in text.split(_MARK)[1:])

    def give(name: str) -> str:
        if name in files:
            return files[name]
        raise Problems([Problem(file=name, line=1, column=1, sentence="there is no such file")])

    return give


def _read(line: str) -> tuple[str, str]:
    """Return name and text of a comment; nothing useful for one that somebody wrote by hand."""
    try:
        name, content = json.loads(line)
    except ValueError:
        return "", ""
    return str(name), str(content)


def with_files(text: str, files: Mapping[str, str]) -> str:
    """Return a policy's text that keeps files by their name, in place of those that it kept; without files, the text itself."""
    if not files:
        return text
    lines = (f"{_MARK}{json.dumps([name, content])}" for name, content in sorted(files.items()))
    return "".join((text.partition(_MARK)[0], *lines))
