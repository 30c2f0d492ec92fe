"""What is wrong with a text that is not TOML, in our own words, with what its writer most likely meant."""

from __future__ import annotations

import re
from typing import Final

from gateway.slips import duration_meant, interval_meant, number_meant

_KEY: Final = "a key is made of the letters a to z, digits, - and _: write one with others in quotation marks"
#: How the standard library begins its message → what we say instead.
_SAID: Final = (
    ("Invalid statement", "a line begins with a key, a [table] or a #"),
    ("Expected newline or end of document", "one line holds one key and its value, and here more stands after it"),
    ("Expected '='", "a key needs a value: write key = value"),
    ("Invalid initial character for a key", _KEY),
    ("Unclosed array", "this list is not closed: write a comma between its entries, and ] at its end"),
    (
        "Unclosed inline table",
        "this table is not closed: write a comma between its keys, and } at its end, in one line",
    ),
    ("Expected ']]'", "the name of this table is not closed: write ]] at its end"),
    ("Expected ']'", "the name of this table is not closed: write ] at its end"),
    ("Unescaped '\\'", "a \\ stands alone in this text: write \\\\, or the text in 'single' quotation marks"),
    (
        "Invalid hex value",
        "a \\u in this text has no four hexadecimal digits after it: write \\\\u for the letters themselves",
    ),
    ("Escaped character", "a \\u in this text names no character: write the character itself"),
    ("Unterminated string", "this text is not closed: write a quotation mark at its end"),
    ("Illegal character '\\n'", "this text is not closed: write a quotation mark at the end of the line"),
    ("Illegal character '\\r'", "this text is not closed: write a quotation mark at the end of the line"),
    ("Illegal character", "this character cannot stand here: remove it, it may be an invisible one"),
    ("Found invalid character", "this character cannot stand here: remove it, it may be an invisible one"),
    ("Invalid date", "there is no such date or time: write 2026-12-24 or 2026-12-24T10:00:00+01:00"),
    ("Invalid value", "this is no value: write text in quotation marks, a number, true or false, or a list in [ ]"),
    ("Expected \"'", "this text is not closed: write ' at its end"),
    ("Expected '", "this text is not closed: write its quotation marks at its end as well"),
    ("Cannot overwrite", "this key has a value already, so it cannot be a table as well: keep one of them"),
    ("Cannot ", "this table was written before, in another way: write all of its keys in one place"),
    ("Duplicate", "this key stands twice in one table: keep one of them"),
)
_OTHERWISE: Final = "it is nested too deeply, or holds a number of too many digits"
_CURLY: Final = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a"
_TRUE: Final = frozenset({"true", "yes", "on"})
_FALSE: Final = frozenset({"false", "no", "off"})
_NOTHING: Final = frozenset({"null", "none", "nil"})
_DURATION: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?[smhd]")
#: Stands for every character of a whole text.
_TEXTS: Final = "\0"
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TEXT: Final = re.compile(r"[^\W\d][\w./:#@ -]*|[0-9]{1,2}:[0-9:]*")


def in_our_words(said: str, line: str, column: int) -> tuple[str, int]:
    """Return what is wrong where the standard library says `said` of a column of a line, and in which column that is.

    No text of the line is quoted: it may be a secret that stands where none should.
    """
    # Outside of texts that are whole, a typographic quotation mark is never meant as itself.
    bare = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", lambda text: _TEXTS * len(text[0]), line)
    curly = next((at for at, sign in enumerate(bare) if sign in _CURLY), None)
    if curly is not None and "#" not in bare[:curly]:
        return f'{bare[curly]} is a typographic quotation mark, which means nothing here: write " instead', curly + 1
    if said.startswith(("Invalid value", "Invalid date", "Expected newline", "Unclosed")):
        value, begins = _value(bare, column, whole=said.startswith("Expected newline"))
        meant = _meant(value)
        if meant is not None:
            return meant, begins
    if said.startswith("Expected '='") and line[column - 1 : column].isalnum():
        return _KEY, column
    return next((ours for theirs, ours in _SAID if said.startswith(theirs)), _OTHERWISE), column


def _value(bare: str, column: int, *, whole: bool) -> tuple[str, int]:
    """Return the value in which a column stands, and the column in which it begins.

    What was read up to the column is part of it: of 10k, the column is that of the k. It is the `whole` of what follows the key,
    with the comma of 1.000,50 in it, or one of several entries.
    """
    before = bare[: max(column - 1, 0)]
    at = before.find("=") + 1 if whole else max(before.rfind(sign) for sign in "=[{,") + 1
    start = at + len(bare[at:]) - len(bare[at:].lstrip())
    value = re.split("#" if whole else r"[#,\]}]", bare[start:])[0]
    return value.strip(), start + 1


def _meant(value: str) -> str | None:
    """Return the sentence for a value that lacks its quotation marks, or is spelled in another way; None for others."""
    word = value.casefold()
    duration = value if _DURATION.fullmatch(value) else duration_meant(value)
    number = number_meant(value)
    found = (
        (word in _TRUE, f"{value} is written true"),
        (word in _FALSE, f"{value} is written false"),
        (word in _NOTHING, f"there is no {value}: leave the key out"),
        (duration is not None, f'a duration is text in quotation marks: write "{duration}"'),
        (interval_meant(value) is not None, f'an interval is text in quotation marks: write "{interval_meant(value)}"'),
        (number not in {None, value}, f"{value} is no number as they are written here: write {number}"),
        (_DATE.match(value), "there is no such date or time: write 2026-12-24 or 2026-12-24T10:00:00+01:00"),
        (_TEXT.fullmatch(value), 'text stands in quotation marks: write "…" around it'),
    )
    return next((sentence for holds, sentence in found if holds), None) if value else None
