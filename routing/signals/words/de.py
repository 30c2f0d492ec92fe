"""German: how people ask for somebody, and what they say in distress. Umlauts have lost their dots, or stand as ae, oe, ue."""

from __future__ import annotations

from typing import Final

from routing.signals.grammar import Grammar

_WORDS: Final = (
    r"(?:(?:ein|eine|einen|einem|einer|der|die|das|den|dem|ihr|ihre|ihren|ihrem|ihrer|euer|eurem|eurer|"
    r"euren|einen von|jemand|irgend|"
    r"irgendeinem|andere|anderen|anderem|anderer|echt|echte|echten|echtem|echter|richtige|richtigen|"
    r"richtigem|wirklichen|lebenden|"
    r"menschlichen|menschliche|menschlicher|reale|realen|realer|kompetenten|zustandigen|nur|bitte|vom|von|aus) ){0,4}"
)
_NAMED: Final = (
    r"(?:mensch(?:en)?|menschliche[nrms]? \w+|person|mitarbeiter(?:in|s|n)?|kollegen|kollegin|"
    r"berater(?:in)?|agent(?:en)?|sachbearbeiter(?:in)?|"
    r"kundenberater(?:in)?|kundenbetreuer(?:in)?|kundendienst|kundenservice|support mitarbeiter(?:in)?|"
    r"supportmitarbeiter(?:in)?|"
    r"servicemitarbeiter(?:in)?|ansprechpartner(?:in)?(?! (?:\w+ ){0,4}(?:hinterlegen|hinterlegt|andern"
    r"|aendern|eintragen|angeben|hinzufugen|hinzufuegen|loschen)\b)|operator|vermittlung|jemand(?:en|em)? (?:echtes|"
    r"anderes|anderen|anderem|richtiges|echten|echtem))"
)
_PERSON: Final = (
    rf"(?:{_NAMED}|jemand(?:en|em)?|irgendwem|irgendjemand(?:en|em)?|wem|leuten|support|zentrale|rezeption|team)"
)
_REACH: Final = (
    r"(?:sprechen|spreche|reden|rede|telefonieren|chatten|schreiben|unterhalten|kontakt|verbunden|"
    r"verbinden|quatschen|weiterverbunden|"
    r"verbindung|weitergeleitet)"
)
_BOT: Final = (
    r"(?:bots?|chatbots?|robotern?|maschinen?|computern?|automaten|ki|programm|sprachcomputer|bandansage|"
    r"virtuellen? \w+)"
)

GRAMMAR: Final = Grammar(
    language="de",
    person=_PERSON,
    named=_NAMED,
    manager=(
        r"(?:manager(?:in|n)?|chefs?|chefin|vorgesetzte[nrm]?|leiter(?:in)?|teamleiter(?:in)?|teamleitung|"
        r"abteilungsleiter(?:in)?|"
        r"filialleiter(?:in)?|geschaftsfuhrer(?:in)?|geschaeftsfuehrer(?:in)?|supervisor|verantwortlichen|"
        r"geschaftsleitung|fuhrungskraft)"
    ),
    shapes=(
        rf"mit {_WORDS}{{who}} (?:\w+ ){{0,5}}{_REACH}",
        (
            rf"(?:sprechen|spreche|reden|telefonieren|chatten|verbinde|verbinden|verbindet|verbindung|kontakt|"
            rf"gesprach|gespraech)"
            rf"(?: (?:sie|mich|uns|bitte|jetzt|direkt|gern|gerne|ich|wir)){{0,4}} (?:mit|zu|zum|zur|an) {_WORDS}{{who}}"
        ),
        (
            rf"(?:will|mochte|moechte|brauche|benotige|benoetige|hatte gern|hatte gerne|haette gerne|verlange|"
            rf"wunsche|geben sie mir|gib mir|gebt mir|"
            rf"holen sie|hole?|hol mir|bitte)(?: (?:ich|wir|mir|bitte|jetzt|sofort|endlich|gern|gerne|"
            rf"hier)){{0,3}} {_WORDS}{{named}}"
            r"(?: (?:sprechen|haben|erreichen|kontaktieren))?"
        ),
        (
            rf"(?:leite|leiten|leitet|stelle|stellen|stell|ubergeben|uebergeben|ubergib|weiterleiten)(?: (?:sie|"
            rf"mich|uns|das|es|bitte)){{0,3}} "
            rf"(?:weiter |durch )?(?:an|zu|zum|zur) {_WORDS}{{who}}"
        ),
        (
            rf"(?:an|zu|zum|zur) {_WORDS}{{who}} (?:weitergeleitet|weiterleiten|durchstellen|durchgestellt|"
            rf"ubergeben|weiter|durch)"
        ),
        (
            rf"(?:kann|konnte|koennte|soll|kann bitte) (?:mich |mir )?(?:bitte )?{_WORDS}{{who}} (?:mich |"
            rf"mir )?(?:bitte )?(?:zuruckrufen|zurueckrufen|anrufen)"
        ),
        rf"(?:gibt es|ist da|habt ihr|haben sie)(?: (?:hier|auch|denn|bei ihnen|da)){{0,2}} {_WORDS}{{named}}",
        rf"{_WORDS}{{named}} (?:sprechen|bitte|haben|erreichen)",
    ),
    open_shapes=(
        (
            r"(?:rufen|ruft|ruf|rufe) (?:sie )?(?:mich|uns)(?: (?:bitte|doch|mal|heute|morgen|jetzt|gleich|sofort"
            r"|noch|dringend|unter|wegen|\d+)){0,4}"
            r" (?:an|zuruck|zurueck)"
        ),
        (
            r"(?:kannst|konnt|konnten|koennen|koennten|konnen|wurden|wuerden) (?:du|sie|ihr) (?:mich"
            r"|uns)(?: (?:bitte|mal|heute|morgen|jetzt)){0,3}"
            r" (?:an|zuruck|zurueck)rufen"
        ),
        (
            r"(?:um|wunsche|wuensche|erbitte|brauche|mochte|moechte|hatte gerne?|haette gerne?)(?: (?:ich|einen"
            r"|ihren|baldigen|schnellen|dringend|bitte)){0,3}"
            r" (?:ruckruf|rueckruf)"
        ),
        (
            r"(?:mochte|moechte|will|wurde gerne?|wuerde gerne?)(?: (?:ich|bitte|gerne?)){0,2} (?:zuruckgerufen"
            r"|zurueckgerufen|angerufen) werden"
        ),
        (
            r"(?:stellen|stell|verbinden|verbinde)(?: (?:sie|mich|bitte)){1,3} (?:mit|zu|zum|zur) (?:der|dem|"
            r"ihrer|ihrem|einem|einer|jemand)"
        ),
    ),
    dislikes=(
        (
            rf"(?:nicht|keine lust|nie|nicht mehr|nicht langer)(?: (?:mehr|langer|laenger|weiter|"
            rf"noch)){{0,2}} mit (?:(?:einem|einer|dem|der|diesem|"
            rf"dieser|ihrem|so|dummen|bloden) ){{0,3}}(?:{_BOT}|dir|ihnen) (?:\w+ ){{0,1}}(?:sprechen|reden|"
            rf"schreiben|chatten|diskutieren)"
        ),
        rf"(?:kein|keinen|keinem|keine) (?:\w+ )?{_BOT}",
    ),
    bare=(
        r"(?:(?:ein|eine|einen|echter|echte|echten|richtiger|menschlicher|anderer) ){0,3}(?:mensch|menschen|"
        r"mitarbeiter(?:in)?|berater(?:in)?|"
        r"kundenberater|kundenservice|kundendienst|sachbearbeiter(?:in)?|ansprechpartner|operator|"
        r"echte person|person|jemand anderes)"
    ),
    bare_manager=r"(?:(?:den|ihren|ein|einen|der) )?(?:manager|chef|vorgesetzten?|teamleiter|supervisor)",
    polite=r"bitte|jetzt|sofort|hallo|danke|ja|endlich|mit|sprechen|guten|tag|ok|nein",
    denials=(r"nicht|kein|keine|keinen|keinem|keiner|ohne|statt|nie|niemals|weder|nicht mehr|wollte nicht|muss nicht"),
    fillers=(
        r"mehr|unbedingt|wirklich|jetzt|mit|gern|gerne|zu|erst|noch|einen|einem|einer|das|extra|brauche|"
        r"mochte|will|ich"
    ),
    asides=(
        r"bist du|sind sie|spreche ich|rede ich|ist (?:das|hier|da) (?:ein|eine|uberhaupt)|ich habe|habe ich|"
        r"gestern|hat mir"
    ),
    phrases=(
        *(
            "mit einem menschen sprechen",
            "mit einem mitarbeiter sprechen",
            "mit jemandem sprechen",
            "mit einer person sprechen",
        ),
        *(
            "mit einem menschen reden",
            "mit einem berater sprechen",
            "einen mitarbeiter sprechen",
            "mit einem echten menschen",
        ),
    ),
    manager_phrases=("mit ihrem vorgesetzten sprechen", "mit einem vorgesetzten sprechen", "mit dem manager sprechen"),
)

DISTRESS: Final = (
    *(
        "umbringen",
        "mich toten",
        "mich toeten",
        "das leben nehmen",
        "nicht mehr leben",
        "suizid",
        "selbstmord",
        "sterben will",
    ),
    *(
        "will sterben",
        "mochte sterben",
        "moechte sterben",
        "bring mich um",
        "lebensmude",
        "lebensmuede",
        "mich verletzen",
    ),
    *("ritze mich", "kein grund zu leben", "ein ende setzen", "uberdosis", "ueberdosis", "lebensgefahr"),
)
