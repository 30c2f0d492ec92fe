"""Policies whose lists of phrases say a thing twice, each with a neighbour that is in order."""

from __future__ import annotations

from typing import Final

from tests.routing.lint.pieces import ALL, Pair, rules

OF_PHRASES: Final[dict[str, list[Pair]]] = {
    "duplicate-phrase": [
        Pair(
            rules(
                ALL + "[\"message.phrases contains 'a'\"]",
                ALL + "[\"message.phrases contains 'b'\"]",
                more='[phrases]\na = ["My Lawyer"]\nb = ["HERE", "my cat"]\n',
            ),
            "my  lawyer!",
            "our lawyer",
            "'my  lawyer!' stands in the list a already, in line 15",
        ),
        Pair(
            rules(ALL + "[\"message.phrases contains 'a'\"]", more='[phrases]\na = ["outage", "HERE"]\n'),
            "Outage",
            "outages",
            "'Outage' stands in the list a already, in line 11",
        ),
        Pair(
            rules(
                ALL + "[\"message.phrases contains 'a'\"]",
                more='[phrases.a]\nany = ["outage"]\nde = ["Panne", "HERE"]\nen = ["panne"]\n',
            ),
            "Outage",
            "Ausfall",
            "'Outage' stands in the list a already, in line 6",
        ),
    ],
    "covered-phrase": [
        Pair(
            rules(ALL + "[\"message.phrases contains 'a'\"]", more='[phrases]\na = ["HERE", "lawyer"]\n'),
            "my lawyer",
            "my lawyers",
            "'my lawyer' is superfluous: 'lawyer' is found wherever it is",
        ),
        Pair(
            rules(
                ALL + "[\"message.phrases contains 'a'\"]",
                more='[phrases.a]\nen = ["down", "HERE"]\nde = ["all down"]\nnegation = false\n',
            ),
            "not down",
            "done",
            "'not down' is superfluous: 'down' is found wherever it is",
        ),
    ],
}
