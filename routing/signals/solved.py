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
            "that worked",
        ),
    ),
    "de": (
        *("geht wieder", "geht jetzt", "funktioniert wieder", "funktioniert jetzt", "klappt jetzt", "klappt wieder"),
        *("hat sich erledigt", "hat sich geklart", "ist erledigt", "ist gelost", "problem gelost", "lauft wieder"),
        *("selbst gelost", "hat geholfen danke", "ist behoben", "hat geklappt", "hat funktioniert"),
    ),
    "fr": (
        "ca marche maintenant",
        "ca remarche",
        "ca fonctionne maintenant",
        "cest resolu",
        "probleme resolu",
        "cest regle",
        "ca a marche",
        "ca a fonctionne",
    ),
    "es": (
        "ya funciona",
        "ya esta resuelto",
        "problema resuelto",
        "esta solucionado",
        "problema solucionado",
        "ya lo resolvi",
        "ha funcionado",
    ),
    "it": ("ora funziona", "adesso funziona", "problema risolto", "e risolto", "ho risolto", "ha funzionato"),
    "pt": (
        "ja funciona",
        "agora funciona",
        "esta resolvido",
        "problema resolvido",
        "ja resolvi",
        "funcionou",
        "deu certo",
    ),
    "nl": ("werkt weer", "werkt nu", "is opgelost", "probleem opgelost", "het is gelukt"),
}
#: Words that make the opposite of it, a wish, a condition or a question, wherever they stand in the clause.
_DOUBT: Final = re.compile(
    r" (?:not|never(?! mind )|never mind (?:the|your|my|his|her|our|about|how|what|who)"
    r"|no(?! longer need help )|nothing|isnt|wasnt"
    r"|doesnt|didnt|wont|cant|hasnt|until|till|unless|if|when"
    r"|once|want|wants|should|must|please|said|say|says|told|claim|claims"
    r"|nicht|kein|keine|nie|wenn|bis|falls|wann|bitte"
    r"|pas|jamais|plus|si|quand|cuando|non|se|quando|nao|niet|geen|als|wanneer) "
)
#: What takes it back in what follows: a limit or a turn, a past, a wish, or that it is not so.
_TAKEN_BACK: Final = re.compile(
    r" (?:but|yet|only|though|although|however|except|unfortunately|still|again|comes back|came back"
    r"|returns|every|before|yesterday"
    r"|not|never|no|cannot|(?:do|does|did|wo|ca|is|are|was|were|has|have|had|could|would|should)nt|need"
    r"|needs|would like|id like|demand|expect|money back|error|want|wants|if|until|till|unless|please"
    r"|aber|nur|doch|jedoch|allerdings|ausser|leider|trotzdem|immer noch|gestern|mochte|moechte|ich will"
    r"|will ich|brauche|verlange"
    r"|nicht|kein|keine|keinen|nie|wenn|bis|falls|bitte|fehler"
    r"|mais|sauf|seulement|cependant|pourtant|toujours|encore|veux|voudrais|souhaite|besoin|pas|jamais|si|svp|erreur"
    r"|pero|solo|salvo|excepto|todavia|ayer|quiero|quisiera|necesito|no|nunca|por favor"
    r"|ma|pero|soltanto|tranne|ancora|ieri|voglio|vorrei|non|mai|se|errore"
    r"|mas|apenas|porem|ainda|ontem|quero|preciso|gostaria|nao|erro"
    r"|maar|alleen|behalve|helaas|nog|gisteren|wil|graag|niet|geen|fout) "
)
#: What takes nothing back in spite of such a word.
_AT_PEACE: Final = re.compile(
    r" (?:no (?:need|further|more|other|longer|worries|problems?|issues?|questions?)|(?:dont|do not) need"
    r"|nothing (?:else|more)|please close|not needed"
    r"|thanks again|merci encore|grazie ancora|danke noch\w*|kein(?:e)? (?:weitere\w*|problem\w*|fragen)"
    r"|bitte schliessen|plus besoin|no (?:hace falta|hay problema)"
    r"|non (?:serve piu|ce bisogno)|nao precisa|niet (?:meer )?nodig|geen (?:probleem|vragen))(?= )"
)
_BUTTON: Final = re.compile(r"(?:(?:it|issue|problem)_)?(?:is_)?(?:solved|resolved|fixed)(?:_yes)?")
#: From this judgement on, of 0 to 1, the customer was content.
_CONTENT: Final = 0.75


@lru_cache(maxsize=1)
def _book() -> PhraseBook:
    return PhraseBook({f"{language}: {phrase}": (phrase,) for language, said in _SAID.items() for phrase in said})


def solved_in(text: str) -> tuple[str, ...]:
    """Return the phrases of a text that say so, each with its language; none when the text asks, or takes it back."""
    if "?" in text or "¿" in text:
        return ()
    found: set[str] = set()
    for part in clauses(text):
        # What was said before counts as long as nothing that follows takes it back.
        if found and _takes_back(part):
            found = set()
        if _DOUBT.search(_AT_PEACE.sub(" ", part)) is not None:
            continue
        said = _book().places_in(part)
        if said and not _takes_back(part[max(end for _, _, end in said) - 1 :]):
            found |= {name for name, _, _ in said}
    return tuple(sorted(found))


def _takes_back(words: str) -> bool:
    return _TAKEN_BACK.search(_AT_PEACE.sub(" ", words)) is not None


def solved_by(activity: Activity) -> tuple[str, ...]:
    """Return what says so in an activity, in words of ours."""
    if activity.kind is ActivityKind.BUTTON and activity.button is not None:
        name = activity.button.action.casefold().replace("-", "_")
        return (f"button {name}",) if _BUTTON.fullmatch(name) else ()
    if activity.satisfaction is not None:
        score = activity.satisfaction.score
        return (f"judged {score:.0%}",) if score >= _CONTENT else ()
    return solved_in(activity.reply_text) if activity.kind is ActivityKind.MESSAGE else ()
