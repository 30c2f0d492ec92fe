"""French: how people ask for somebody, and what they say in distress. Accents and apostrophes are gone: *d'un* is *dun*."""

from __future__ import annotations

from typing import Final

from routing.signals.grammar import Grammar

_WORDS: Final = (
    r"(?:(?:un|une|dun|dune|le|la|les|des|de|du|votre|vos|ton|autre|vrai|vraie|veritable|reel|reelle|etre|"
    r"service|personne|membre|votre|"
    r"a|au|aux|ma|lequipe) ){0,4}"
)
_NAMED: Final = (
    r"(?:humains?|humaine|lhumain|etre humain|agents?|lagent|conseillers?|conseillere|operateurs?|"
    r"operatrice|loperateur|representants?|"
    r"employes?|collaborateurs?|teleconseillers?|technicien|specialiste|vraie personne|personne (?:reelle|"
    r"humaine|physique|competente)|"
    r"service client(?:s|ele)?|quelquun (?:dautre|de reel|de competent)|autre personne|interlocuteur|standard)"
)
_PERSON: Final = rf"(?:{_NAMED}|(?<!a )personne|gens|quelquun|quelqu un|equipe|support|accueil|reception)"
_BOT: Final = (
    r"(?:bots?|robots?|chatbots?|machines?|ordinateur|ia|intelligence artificielle|programme|repondeur|"
    r"assistant virtuel)"
)
_REACH: Final = (
    r"(?:parler|discuter|parle|echanger|communiquer|chatter|converser|dialoguer|mentretenir|entretenir|"
    r"en contact|en relation|en ligne|"
    r"contacter|joindre|contact|discussion|mettre|avoir affaire)"
)

GRAMMAR: Final = Grammar(
    language="fr",
    person=_PERSON,
    named=_NAMED,
    manager=(
        r"(?:managers?|superviseurs?|responsables?|directeurs?|directrice|chefs?|patron|patronne|superieurs?|"
        r"direction|gerante?s?|"
        r"superieur hierarchique|encadrant|hierarchie)"
    ),
    shapes=(
        (
            rf"{_REACH}(?: (?:directement|maintenant|plutot|immediatement|de vive voix)){{0,2}}(?: (?:a|avec|au|"
            rf"aux|en))? {_WORDS}{{who}}"
        ),
        (
            rf"(?:passez|passer|passe|transferez|transferer|transfere|connectez|connecter|mettez|mettre|renvoyez|"
            rf"redirigez|orientez|envoyez|mis|"
            rf"transfere|mise) ?(?:moi|nous|mon appel|ma demande)?(?: (?:en|relation|contact|communication|ligne|"
            rf"directement)){{0,3}} "
            rf"(?:(?:a|avec|au|vers|chez|aux) )?{_WORDS}{{who}}"
        ),
        (
            rf"(?:veux|voudrais|souhaite|souhaiterais|aimerais|jaimerais|besoin|demande|exige|prefere|donnez moi|"
            rf"donne moi|veut|voulons|faut|"
            rf"passez moi)(?: (?:maintenant|juste|absolument|lassistance|de laide|laide|avoir|de|dun|"
            rf"dune)){{0,4}} {_WORDS}{{named}}"
        ),
        rf"(?:y a t il|est ce quil y a|avez vous|il y a) {_WORDS}{{named}}",
        (
            rf"{_WORDS}{{who}} (?:peut il|peut elle|pourrait|peut|pourrait il) (?:me |mappeler|"
            rf"me rappeler)(?:appeler|rappeler|contacter)?"
        ),
    ),
    open_shapes=(
        (
            r"(?:rappelez|appelez|rappelle|appelle) (?:moi|nous)"
            r"(?= (?:svp|stp|s il|sil|au|des|vite|rapidement|aujourdhui|demain|maintenant|merci|urgemment|dans|et)\b| $)"
        ),
        (
            r"(?:(?:pouvez|pourriez) vous|merci de|veuillez|peut on|pourrait on|faut)(?: (?:svp|bien))? (?:me"
            r"|nous) (?:rappeler|appeler)"
            r"(?= (?:svp|s il|sil|au|des|vite|rapidement|aujourdhui|demain|maintenant|merci|dans|et|pour)\b| $)"
        ),
        (
            r"(?:souhaite|souhaiterais|veux|voudrais|aimerais|jaimerais|demande a)(?: bien)? etre (?:rappele"
            r"|appele|recontacte)e?s?"
        ),
        (
            r"(?:passez|transferez|mettez|connectez) (?:moi|nous) (?:(?:en|relation|contact|ligne) ){0,2}(?:a|au|"
            r"avec|vers|le|la) (?!mon|ma|mes)\w+"
        ),
    ),
    dislikes=(
        (
            rf"(?:pas|plus|marre de|assez de|arreter de|arretez de)(?: (?:envie de|du tout))? (?:parler|discuter|"
            rf"echanger|communiquer) (?:a|avec) "
            rf"(?:(?:un|une|ce|cette|votre|des) )?(?:{_BOT}|vous|toi)"
        ),
        rf"(?:pas|plus|marre|assez) (?:de|dun|dune|des|du) {_BOT}",
    ),
    bare=(
        r"(?:(?:un|une|vrai|vraie|autre|le) ){0,3}(?:humain|etre humain|agent|conseiller|conseillere|"
        r"operateur|operatrice|vraie personne|"
        r"personne reelle|representant|service client)"
    ),
    bare_manager=r"(?:(?:un|le|votre) )?(?:manager|responsable|superviseur|directeur|chef)",
    polite=(
        r"svp|s il vous plait|sil vous plait|sil te plait|stp|merci|bonjour|maintenant|oui|vite|immediatement|"
        r"non|ok"
    ),
    denials=(
        r"jai|avons|avais|pas|plus|jamais|sans|aucun|aucune|inutile de|nai pas|ne|ni|au lieu de|plutot que de|"
        r"evite de|eviter de"
    ),
    fillers=r"besoin|deja|envie|de|dun|dune|du|tout|a|avoir|vraiment|veux|voudrais|souhaite|devoir|pas|nullement|me",
    asides=(
        r"etes vous|es tu|suis je|est ce que (?:je parle|vous etes|tu es|cest)|vous etes|tu es|cest (?:un|"
        r"une)|jai (?:deja )?(?:parle|eu)|hier|ma dit"
    ),
    phrases=(
        *(
            "parler a un humain",
            "parler a un conseiller",
            "parler a un agent",
            "parler a quelquun",
            "parler avec un humain",
        ),
        *("parler a une vraie personne", "parler a une personne", "parler avec un conseiller", "parler a un operateur"),
    ),
    manager_phrases=(
        "parler a un responsable",
        "parler a votre responsable",
        "parler au directeur",
        "parler a un superviseur",
    ),
)

DISTRESS: Final = (
    *(
        "me tuer",
        "me suicider",
        "suicide",
        "envie de mourir",
        "mettre fin a mes jours",
        "en finir avec la vie",
        "veux mourir",
    ),
    *("plus envie de vivre", "me faire du mal", "aucune raison de vivre", "surdose", "overdose", "je vais mourir"),
)
