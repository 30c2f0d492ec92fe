"""Italian: how people ask for somebody, and what they say in distress. Apostrophes are gone: *un'altra* is *unaltra*."""

from __future__ import annotations

from typing import Final

from routing.signals.grammar import Grammar

_WORDS: Final = (
    r"(?:(?:un|una|uno|il|lo|la|le|i|gli|vostro|vostra|suo|sua|altro|altra|unaltra|unaltro|essere|vero|"
    r"vera|reale|del|di|qualche|"
    r"membro|servizio) ){0,4}"
)
_NAMED: Final = (
    r"(?:uman[oai]|essere umano|esseri umani|operator[ei]|operatrice|unoperatrice|loperatore|alloperatore|"
    r"agent[ei]|unagente|consulent[ei]|"
    r"addett[oai]|unaddett[oa]|impiegat[oai]|rappresentant[ei]|assistente umano|tecnico|"
    r"persona(?: (?:vera|reale|umana|in carne e ossa))?|"
    r"servizio clienti|assistenza clienti|qualcun altro|qualcunaltro)"
)
_PERSON: Final = rf"(?:{_NAMED}|qualcuno|persone|gente|assistenza|reception|staff|team)"
_BOT: Final = (
    r"(?:bots?|robot|chatbots?|macchin[ae]|computer|ia|programma|risponditore|assistente virtuale|"
    r"segreteria)"
)
_REACH: Final = (
    r"(?:parlare|parlarne|parlo|discutere|chattare|comunicare|conversare|contattare|contatto|dialogare|"
    r"confrontarmi|parli|parlate)"
)

GRAMMAR: Final = Grammar(
    language="it",
    person=_PERSON,
    named=_NAMED,
    manager=(
        r"(?:manager|responsabil[ei]|direttor[ei]|direttrice|supervisor[ei]|cap[oi]|superior[ei]|titolare|"
        r"dirigente|caposervizio)"
    ),
    shapes=(
        rf"{_REACH}(?: (?:direttamente|subito|ora|adesso)){{0,2}} (?:con|a|al|ad|col) {_WORDS}{{who}}",
        (
            rf"(?:mettermi in contatto|mettetemi in contatto|mettimi in contatto|passatemi|passami|passarmi|"
            rf"mi passi|mi passa|mi passate|trasferitemi|trasferiscimi|"
            rf"collegatemi|collegami|collegarmi|trasferirmi|mi metta in contatto|mi trasferisca|inoltrami|"
            rf"contattare|contatti|girami|girarmi)"
            rf"(?: (?:in|contatto|subito|direttamente|con|a|al|ad|da)){{0,3}} {_WORDS}{{who}}"
        ),
        (
            rf"(?:voglio|vorrei|ho bisogno|bisogno|desidero|preferisco|pretendo|esigo|datemi|dammi|serve|chiedo|"
            rf"mi serve|preferirei)"
            rf"(?: (?:di|aiuto|subito|ora|avere|da|laiuto|assistenza|dellaiuto)){{0,4}} {_WORDS}{{named}}"
        ),
        rf"(?:ce|avete|esiste|ci sono) {_WORDS}{{named}}",
        rf"(?:farmi|fatemi) (?:chiamare|contattare|richiamare|parlare) (?:da|con) {_WORDS}{{who}}",
        rf"(?:puo|potrebbe) {_WORDS}{{who}} (?:chiamarmi|richiamarmi|contattarmi|aiutarmi)",
    ),
    open_shapes=(
        (
            r"(?:chiamatemi|richiamatemi|chiamami|richiamami|mi chiami|mi richiami|mi chiamate|mi richiamate)"
            r"(?= (?:per|perfavore|subito|ora|adesso|oggi|domani|al|appena|grazie|quando|e|il)\b| $)"
        ),
        (
            r"(?:potete|puo|potreste|potrebbe|puoi) (?:per favore )?(?:chiamarmi|richiamarmi)"
            r"(?= (?:per|subito|ora|adesso|oggi|domani|al|appena|quando|e)\b| $)"
        ),
        r"(?:vorrei|voglio|desidero|chiedo di) essere (?:richiamat[oa]|chiamat[oa]|ricontattat[oa])(?! (?:come|con)\b)",
        r"(?:passatemi|passami|mi passi|mi passa|trasferitemi) (?:il|la|al|alla|con) (?!mio\b|mia\b)\w+",
    ),
    dislikes=(
        (
            rf"(?:non|stufo di|stufa di|stanco di|stanca di|smettere di|basta)(?: (?:voglio|vorrei|intendo|"
            rf"mi va di|piu)){{0,3}} (?:parlare|chattare|"
            rf"discutere) (?:piu )?con (?:(?:un|una|il|la|questo|questa|dei) )?(?:{_BOT}|te|lei|voi)"
        ),
        rf"(?:non voglio|basta|niente) (?:con )?(?:(?:un|una|i|il|questi) )?{_BOT}",
    ),
    bare=(
        r"(?:(?:un|una|vero|vera|essere|altro) ){0,3}(?:umano|operatore|operatrice|agente|unoperatrice|"
        r"consulente|addetto|persona reale|"
        r"persona vera|persona|servizio clienti|rappresentante)"
    ),
    bare_manager=r"(?:(?:un|il|vostro) )?(?:manager|responsabile|supervisore|direttore|capo)",
    polite=r"per|favore|grazie|ora|subito|adesso|ciao|salve|buongiorno|si|no|perfavore|piacere",
    denials=r"non|senza|mai|nessun|nessuno|nessuna|invece di|anziche|evitare di|ne",
    fillers=r"voglio|vorrei|ho|bisogno|di|serve|mi|va|dover|necessario|e|ce|devo|piu|un|una|il|parlare|con|desidero",
    asides=r"sei|siete|lei e|sto parlando|parlo con|e un|e una|questo e|ho (?:gia )?parlato|ieri|mi ha detto",
    phrases=(
        *("parlare con un operatore", "parlare con una persona", "parlare con un umano", "parlare con qualcuno"),
        *("parlare con un consulente", "parlare con un agente", "parlare con una persona reale"),
    ),
    manager_phrases=("parlare con un responsabile", "parlare con il responsabile", "parlare con un supervisore"),
)

DISTRESS: Final = (
    *(
        "uccidermi",
        "suicidarmi",
        "suicidio",
        "voglio morire",
        "togliermi la vita",
        "farla finita",
        "non voglio piu vivere",
    ),
    *("farmi del male", "ammazzarmi", "porre fine alla mia vita", "nessuna ragione per vivere", "overdose"),
)
