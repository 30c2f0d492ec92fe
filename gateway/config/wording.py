"""What is wrong with a value of a setting, in our own words: the library that looks at them has words for programmers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.slips import number_meant
from gateway.toml import QUOTED, nearest

#: Kind of mistake → what must be instead. `{name}` is what the library adds to it.
_MUST: Final = {
    "string_type": "must be text in quotation marks",
    "string_sub_type": "must be text in quotation marks",
    "string_unicode": "must be text in quotation marks",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must look like this pattern: {pattern}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_from_float": "must be a whole number, without a fraction",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number, not inf or nan",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "list_type": "must be a list: write [ ] around its entries",
    "tuple_type": "must be a list: write [ ] around its entries",
    "set_type": "must be a list: write [ ] around its entries",
    "frozen_set_type": "must be a list: write [ ] around its entries",
    "iterable_type": "must be a list: write [ ] around its entries",
    "dict_type": "must be a table: write its keys in {{ }}",
    "mapping_type": "must be a table: write its keys in {{ }}",
    "model_type": "must be a table: write its keys in {{ }}",
    "model_attributes_type": "must be a table: write its keys in {{ }}",
    "dataclass_type": "must be a table: write its keys in {{ }}",
    "date_type": "must be a date: write 2026-12-24",
    "date_parsing": "must be a date: write 2026-12-24",
    "date_from_datetime_parsing": "must be a date: write 2026-12-24",
    "datetime_type": "must be an instant: write 2026-12-24T10:00:00+01:00",
    "datetime_parsing": "must be an instant: write 2026-12-24T10:00:00+01:00",
    "timezone_aware": "must say its offset from UTC: write 2026-12-24T10:00:00+01:00",
    "time_type": "must be a time: write 09:00:00",
    "time_parsing": "must be a time: write 09:00:00",
    "url_type": "must be a web address: write one like https://example.com",
    "url_parsing": "must be a web address: write one like https://example.com",
    "url_scheme": "must be a web address that begins with {expected_schemes}",
    "path_type": "must be the name of a file, in quotation marks",
    "none_required": "must be left out",
    "extra_forbidden": "is a key that nobody reads: leave it out",
    "missing": "is missing",
}
#: What a validator of ours, or of a connector, says: sentences of their own.
OWN: Final = frozenset({"value_error", "assertion_error"})
_NUMBERS: Final = re.compile(r"(?:int|float|decimal)_(?:type|parsing)")


def own_words(said: str) -> str:
    """Return the sentence of a validator of ours without what the library writes before it."""
    return said.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def in_our_words(kind: str, context: Mapping[str, Any], value: object = None) -> str:
    """Return what a value must be instead, as the end of a sentence that begins with its name."""
    if kind in {"literal_error", "enum"}:
        return _one_of(re.findall(r"'([^']*)'", str(context.get("expected", ""))), value)
    if context.get("min_length") == 1 and kind in {"string_too_short", "too_short"}:
        return "must not be empty"
    template = _MUST.get(kind, "cannot be that: the reference and `baton connectors show` say what each setting can be")
    try:
        said = template.format(**context)
    except (KeyError, IndexError):
        # A version of the library that no longer says which.
        said = (
            _MUST["missing"]
            if kind == "missing"
            else "cannot be that: it is too short, too long, too small or too large"
        )
    meant = number_meant(value) if _NUMBERS.fullmatch(kind) else None
    return f"{said}: write {meant}, without quotation marks" if meant else said


def _one_of(words: list[str], value: object) -> str:
    shown = [QUOTED.format(word) for word in words]
    told = f"can only be {', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else f"can only be {''.join(shown)}"
    near = nearest(value, words) if isinstance(value, str) else None
    return f"{told}: did you mean {QUOTED.format(near)}?" if near else told
