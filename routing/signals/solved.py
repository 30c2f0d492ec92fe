"""The customer says that their matter is solved: by words, a button, or a good judgement. In doubt they do not."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gateway.model import Activity, ActivityKind
from routing.phrases import PhraseBook
from routing.signals.grammar import clauses

_SAID: Final = {
    "en": (
        *(
            "it works now",
            "works now",
            "working now",
            "works again",
            "working again",
            "works fine now",
            "back up again",
        ),
        *(
            "that solved it",
            "this solved it",
            "solved it",
            "solved the problem",
            "problem solved",
            "is solved",
            "issue solved",
        ),
        *(
            "problem is solved",
            "issue is resolved",
            "its resolved",
            "all sorted",
            "sorted it",
            "got it sorted",
            "that fixed it",
        ),
        *(
            "this fixed it",
            "fixed it",
            "it is fixed",
            "its fixed",
            "all good now",
            "found it myself",
            "solved it myself",
        ),
        *(
            "never mind",
            "nevermind",
            "no longer need help",
            "problem went away",
            "that helped thanks",
            "that did the trick",
        ),
    ),
    "de": (
        *("geht wieder", "geht jetzt", "funktioniert wieder", "funktioniert jetzt", "klappt jetzt", "klappt wieder"),
        *("hat sich erledigt", "hat sich geklart", "ist erledigt", "ist gelost", "problem gelost", "lauft wieder"),
        *("selbst gelost", "hat geholfen danke", "ist behoben"),
    ),
    "fr": (
        "ca marche maintenant",
        "ca remarche",
        "ca fonctionne maintenant",
        "cest resolu",
        "probleme resolu",
        "cest regle",
    ),
    "es": (
        "ya funciona",
        "ya esta resuelto",
        "problema resuelto",
        "esta solucionado",
        "problema solucionado",
        "ya lo resolvi",
    ),
    "it": ("ora funziona", "adesso funziona", "problema risolto", "e risolto", "ho risolto"),
    "pt": ("ja funciona", "agora funciona", "esta resolvido", "problema resolvido", "ja resolvi"),
    "nl": ("werkt weer", "werkt nu", "is opgelost", "probleem opgelost"),
}
#: Words that make the opposite of it, a wish, a condition or a question, wherever they stand in the clause.
_DOUBT: Final = re.compile(
    r" (?:not|never(?! mind )|no(?! longer need help )|nothing|isnt|wasnt|doesnt|didnt|wont|cant|hasnt|until|till|unless|if|when"
    r"|once|want|wants|should|must|please"
    r"|nicht|kein|keine|nie|wenn|bis|falls|wann|bitte"
    r"|pas|jamais|plus|si|quand|cuando|non|se|quando|nao|niet|geen|als|wanneer) "
)
_BUTTON: Final = re.compile(r"(?:(?:it|issue|problem)_)?(?:is_)?(?:solved|resolved|fixed)(?:_yes)?")
#: From this judgement on, of 0 to 1, the customer was content.
_CONTENT: Final = 0.75


@lru_cache(maxsize=1)
def _book() -> PhraseBook:
    return PhraseBook({f"{language}: {phrase}": (phrase,) for language, said in _SAID.items() for phrase in said})


def solved_in(text: str) -> tuple[str, ...]:
    """Return the phrases of a text that say so, each with its language; none when the text asks something."""
    found: set[str] = set()
    if "?" in text or "¿" in text:
        return ()
    for part in clauses(text):
        if _DOUBT.search(part) is None:
            found |= _book().names_in(part)
    return tuple(sorted(found))


def solved_by(activity: Activity) -> tuple[str, ...]:
    """Return what says so in an activity, in words of ours."""
    if activity.kind is ActivityKind.BUTTON and activity.button is not None:
        name = activity.button.action.casefold().replace("-", "_")
        return (f"button {name}",) if _BUTTON.fullmatch(name) else ()
    if activity.satisfaction is not None:
        score = activity.satisfaction.score
        return (f"judged {score:.0%}",) if score >= _CONTENT else ()
    return solved_in(activity.reply_text) if activity.kind is ActivityKind.MESSAGE else ()
