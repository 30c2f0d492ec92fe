"""Who may be in danger: by phrases (`DISTRESS` of each language), and by what a verb, its object and its persons make together.

A phrase holds one form of a verb; *umbringen* alone is said in a dozen, with the particle before or behind. Nothing denies any
of them: to be asked once too often is the lesser harm.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from routing.phrases import PhraseBook
from routing.signals.grammar import clauses
from routing.signals.words import de, en, es, fr, it, nl, pt

_PHRASES: Final = {
    "en": en.DISTRESS,
    "de": de.DISTRESS,
    "fr": fr.DISTRESS,
    "es": es.DISTRESS,
    "it": it.DISTRESS,
    "pt": pt.DISTRESS,
    "nl": nl.DISTRESS,
}
#: What stands after "my life" where a contract is meant.
_NO_LIFE: Final = (
    r"(?! (?:long )?(?:insurance|assurance|cover|coverage|policy|plan|membership|subscription|contract|time|support)\b)"
)
#: By language: what is said, for evidence, and how. Patterns are over the plain tokens of a clause, blanks around them.
_SHAPES: Final = {
    "en": (
        (
            "kill myself",
            (
                r"(?:kill|kills|killed|killing|hang|hanging|drown|drowning|shoot|shooting) (?:myself|himself|herself"
                r"|themselves)(?! (?:in the foot|laughing)\b)"
            ),
        ),
        ("kill myself", r"(?:kms|unalive (?:myself|me|himself|herself))"),
        (
            "end my life",
            r"(?:end|ends|ended|ending|take|takes|took|taking) (?:my|his|her|their) (?:own )?li(?:fe|ves)" + _NO_LIFE,
        ),
        (
            "no reason to live",
            (
                r"(?:no|any|not a|never a|another) (?:\w+ )?(?:reason|point|sense|use|purpose) (?:left )?(?:to|in|for|of)"
                r" (?:(?:go|going|keep|carry|continue) (?:on )?)?(?:live|living|being alive|be alive|existing"
                r"|exist)(?! (?:chat|agent|support)\b)"
            ),
        ),
        (
            "not want to live",
            (
                r"(?:dont|do not|doesnt|does not|didnt|no longer|never) (?:really |even )?(?:want|wanna|wants|wish) (?:to )?"
                r"(?:live|be alive|exist|wake up)(?= (?:any ?more|any longer|again|like this|now|at all)\b| $)"
            ),
        ),
        ("cannot go on living", r"(?:cant|cannot|can not|couldnt) (?:go on|keep|carry on|continue) living"),
        (
            "too many pills",
            (
                r"(?:take|taken|took|taking|swallowed|swallow) (?:\w+ ){0,2}(?:too many|too much|all|all of|whole"
                r"|full|entire|bottle of)"
                r" (?:(?:of|my|the|her|his|these|sleeping|bottle|box|pack|packet|strip) ){0,4}(?:pills?|tablets?"
                r"|paracetamol|painkillers?)"
            ),
        ),
    ),
    "de": (
        ("sich umbringen", r"(?:mich|sich|uns|dich) (?:\w+ ){0,4}(?:um(?:zu)?bring\w*|umgebracht|umbracht\w*)"),
        # "Bring mich um acht Uhr hin" is a ride.
        (
            "sich umbringen",
            (
                r"(?:bring|bringe|bringt|bringst|bringen|brachte|brachten) (?:(?:ich|er|sie|es|wir) )?(?:mich|sich|uns)"
                r" (?:(?:\w+ ){0,3})um(?= (?:und|oder|wenn|weil|aber|heute|jetzt|morgen|bald|dann)\b| $)"
            ),
        ),
        (
            "sich toten",
            (
                r"(?:mich|sich)(?: (?:selbst|selber|jetzt|heute|zu))* (?:to(?:e)?ten|to(?:e)?tet|getotet|getoetet"
                r"|erhangen|erhaengen|erschiessen)"
            ),
        ),
        ("sich toten", r"(?:to(?:e)?te|to(?:e)?tet|erhange|erhaenge|erschiesse) (?:ich )?(?:mich|sich)"),
        (
            "sich das Leben nehmen",
            r"(?:mir|sich) (?:\w+ ){0,3}das leben (?:\w+ )?(?:zu )?(?:nehmen|nimmt|nehme|genommen|nahm)",
        ),
        (
            "sich das Leben nehmen",
            r"(?:nehme|nehm|nimmt|nimm|nahm) (?:ich |er |sie )?(?:mir|sich) (?:\w+ ){0,3}das leben",
        ),
        ("Selbstmord", r"(?:selbstmord|suizid|selbsttotung|selbsttoetung|freitod)\w*"),
        ("sich etwas antun", r"(?:mir|sich|uns) (?:\w+ ){0,2}(?:etwas|was) (?:an(?:zu)?tun|angetan|antut|antue)"),
        ("sich etwas antun", r"(?:tue|tu|tut) (?:ich |er |sie )?(?:mir|sich) (?:\w+ ){0,2}(?:etwas|was) an"),
        (
            "Schluss machen",
            r"(?:mache?|macht|machen) (?:\w+ ){0,2}(?:schluss|ein ende) mit (?:meinem|seinem|ihrem|dem) leben",
        ),
        ("Schluss machen", r"mit (?:meinem|seinem|ihrem|dem) leben (?:schluss|ein ende)"),
        ("kein Grund zu leben", r"kein(?:en|e)? (?:\w+ )?(?:grund|sinn) (?:\w+ )?(?:zu leben|weiterzuleben|am leben)"),
        (
            "nicht mehr leben",
            (
                r"(?:nicht|nimmer) (?:mehr )?(?:langer |laenger )?(?:leben|weiterleben|am leben sein)(?= (?:will"
                r"|mochte|moechte|kann)\b| $)"
            ),
        ),
        (
            "zu viele Tabletten",
            r"(?:zu viele?|alle) (?:\w+ )?(?:tabletten|pillen|schlaftabletten) (?:\w+ )?(?:genommen|geschluckt)",
        ),
    ),
    "fr": (
        ("se tuer", r"(?:me|se|nous) (?:tuer|suicider|pendre|supprimer)(?! a (?:la tache|vous|te)\b)"),
        (
            "se tuer",
            (
                r"je me (?:tue|tuerai|pends|suicide\w*|supprime)(?= (?:ce|si|demain|maintenant|aujourdhui|bientot|et"
                r"|ou|moi)\b| $)"
            ),
        ),
        ("se suicider", r"(?:\w*suicid\w*)"),
        (
            "ne plus vivre",
            (
                r"(?:veux|veut|voulais|peux|souhaite|desire|envie de) (?:plus|pas) (?:(?:continuer a"
                r"|de) )?vivre(?! (?:dans|a|avec|en|chez)\b)"
            ),
        ),
        ("ne plus vivre", r"(?:plus|pas) (?:envie|la force|le gout) de (?:continuer a )?vivre"),
        ("mettre fin a sa vie", r"(?:mettre|mets|met|mis|mettrai) fin a (?:ma vie|sa vie|mes jours|ses jours)"),
        ("en finir", r"(?:en finir|finir) avec (?:la|ma|sa) vie"),
        ("aucune raison de vivre", r"(?:aucune|pas de|plus de|plus aucune) raisons? de (?:vivre|continuer a vivre)"),
        (
            "trop de cachets",
            (
                r"(?:pris|avale) (?:\w+ )?(?:trop de|tous (?:mes|les)|une boite de) (?:\w+ )?(?:cachets?|comprimes?"
                r"|medicaments?|pilules?|somniferes)"
            ),
        ),
    ),
    "es": (
        (
            "matarse",
            (
                r"(?:me (?:voy a|quiero|quisiera|puedo|intente|pienso)|se (?:va a|quiere|intento|intenta)) (?:matar"
                r"|suicidar|ahorcar|quitar la vida)"
            ),
        ),
        ("morirse", r"me (?:quiero|voy a) morir(?! de\b)"),
        (
            "matarse",
            (
                r"(?:voy a|quiero|quisiera|deseo|pienso|intento|va a|quiere) (?:matarme|matarse|ahorcarme|ahorcarse"
                r"|quitarme la vida|quitarse la vida)"
            ),
        ),
        ("matarse", r"me (?:mato|matare|ahorco|suicido|suicidare)(?= (?:hoy|ya|manana|ahora|si|y|o|esta|este)\b| $)"),
        ("quitarse la vida", r"(?:me|se) (?:\w+ ){0,2}(?:quito|quitar|quitare|quita|quito|quite) la vida"),
        ("suicidarse", r"\w*suicid\w*"),
        (
            "no querer vivir",
            (
                r"(?:no|ya no) (?:\w+ )?(?:quiero|quiere|deseo|puedo) (?:mas )?(?:vivir|seguir viviendo|seguir viva"
                r"|seguir vivo|estar vivo|estar viva)(?! (?:en|con|aqui)\b)"
            ),
        ),
        (
            "sin razon para vivir",
            (
                r"(?:sin|no \w+|ninguna|ningun) (?:ningun|ninguna)? ?(?:razon|razones|motivo|motivos|sentido"
                r"|ganas) (?:para|de|en) (?:vivir|seguir viviendo)"
            ),
        ),
        ("acabar con la vida", r"(?:acabar|terminar|acabo|termino|acabare) con (?:mi|su) vida"),
        (
            "demasiadas pastillas",
            r"(?:tomado|tome|tragado|trague) (?:\w+ )?(?:demasiadas|muchas|todas (?:las|mis)) (?:pastillas|pildoras)",
        ),
    ),
    "it": (
        (
            "uccidersi",
            (
                r"(?:mi (?:(?:voglio|vorrei|posso|potrei|sto per) )?(?:uccid(?:o|ere|ero)|ammazz(?:o|are|ero)"
                r"|impicc(?:o|are|hero))"
                r"|si (?:(?:vuole|vogliono|e|sono) )?(?:uccid(?:e|ere|era)|uccis[oa]|ammazz(?:a|are|era|ato|ata)"
                r"|impicc\w+))(?! (?:di|dalle|dal|da)\b)"
            ),
        ),
        ("togliersi la vita", r"(?:mi|si|ci) (?:\w+ ){0,2}(?:tolgo|toglie|togliere|togliero|tolt[oa]) la vita"),
        ("uccidersi", r"(?:uccidersi|ammazzarsi|impiccarmi|impiccarsi|togliersi la vita)"),
        ("suicidarsi", r"\w*suicid\w*"),
        (
            "non voler vivere",
            (
                r"non (?:\w+ )?(?:voglio|vuole|vorrei|posso) (?:piu )?(?:vivere|continuare a vivere"
                r"|andare avanti a vivere)(?! (?:in|con|a|qui|nella|nel)\b)"
            ),
        ),
        (
            "nessun motivo per vivere",
            (
                r"(?:nessun|nessuna|non \w+(?: \w+)? (?:piu )?|senza) ?(?:un |una |alcun |alcuna )?(?:motiv[oi]"
                r"|ragion[ei]|senso|voglia) (?:per|di|a) vivere"
            ),
        ),
        ("porre fine alla vita", r"(?:porre|metter[eo]?|mett[oe]|pongo) fine alla (?:mia|sua) vita"),
        (
            "troppe pillole",
            r"(?:preso|ingoiato|ingerito) (?:\w+ )?(?:troppe|tutte le|tante) (?:\w+ )?(?:pillole|pastiglie|compresse)",
        ),
    ),
    "pt": (
        ("matar-se", r"(?:me|se) (?:matar|mato|matei|matarei|suicid\w+|enforc\w+)(?! (?:de|a)\b)"),
        ("matar-se", r"(?:mato|matar|suicido|suicidar|enforco|enforcar) (?:me|se)(?! (?:de|a)\b)"),
        ("suicidio", r"\w*suicid\w*"),
        (
            "tirar a vida",
            (
                r"(?:tirar|tiro|tirei|acabar com|acabo com|terminar com|por fim a|pôr fim a"
                r"|por termo a) (?:a )?(?:minha|sua|propria|minha propria) vida"
            ),
        ),
        (
            "nao querer viver",
            (
                r"nao (?:\w+ )?(?:quero|quer|consigo|desejo|aguento) (?:mais )?(?:viver|continuar a viver"
                r"|continuar vivendo|seguir vivendo)(?! (?:em|com|no|na|aqui)\b)"
            ),
        ),
        (
            "sem razao para viver",
            (
                r"(?:sem|nao \w+|nenhuma|nenhum) (?:mais |nenhuma |nenhum )?(?:razao|razoes|motivo|motivos|sentido"
                r"|vontade) (?:para|de|em) viver"
            ),
        ),
        (
            "comprimidos demais",
            (
                r"(?:tomei|engoli|tomou) (?:\w+ )?(?:(?:demasiados|muitos|todos os) (?:comprimidos|remedios)"
                r"|(?:comprimidos|remedios) (?:demais|a mais))"
            ),
        ),
    ),
    "nl": (
        ("er een einde aan maken", r"er (?:\w+ ){0,2}een eind(?:e)? aan (?:te )?(?:maken|maak|maakt)"),
        (
            "er een einde aan maken",
            r"(?:maak|maakt) er (?:\w+ ){0,2}een eind(?:e)? aan(?= (?:en|want|vandaag|nu|morgen|vanavond|vannacht)\b| $)",
        ),
        ("een einde aan het leven", r"eind(?:e)? aan (?:mijn|zijn|haar|het|m n) leven"),
        ("zich van kant maken", r"(?:mezelf|mijzelf|me|zichzelf|zich) (?:\w+ ){0,2}van kant"),
        ("zich van het leven beroven", r"(?:mezelf|mijzelf|me|zichzelf|zich) (?:\w+ ){0,2}van het leven"),
        (
            "zich doden",
            r"(?:mezelf|mijzelf|zichzelf) (?:te )?(?:dood\w*|doden|vermoord\w*|verhang\w*|ophang\w*|opknop\w*)",
        ),
        ("zich iets aandoen", r"(?:mezelf|mijzelf|me|zichzelf|zich) (?:\w+ )?(?:iets|wat) (?:aan ?(?:te )?doen|aan)"),
        ("zelfmoord", r"(?:zelfmoord|zelfdoding|suicid)\w*"),
        ("niet meer leven", r"niet (?:meer|langer) (?:\w+ )?(?:leven|verder leven|doorleven)(?! (?:in|op|met|bij)\b)"),
        ("geen reden om te leven", r"geen (?:\w+ )?(?:reden|zin) (?:meer )?(?:om )?(?:\w+ )?te leven"),
        (
            "te veel pillen",
            r"(?:te veel|teveel|alle) (?:\w+ )?(?:pillen|tabletten|slaappillen) (?:\w+ )?(?:geslikt|genomen|ingenomen)",
        ),
    ),
}


@lru_cache(maxsize=1)
def _book() -> PhraseBook:
    return PhraseBook(
        {f"{language}: {phrase}": (phrase,) for language, phrases in _PHRASES.items() for phrase in phrases}
    )


@lru_cache(maxsize=1)
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return all shapes with their evidence; a language's shapes of the same evidence are one pattern."""
    by_words: dict[str, list[str]] = {}
    for language, shapes in _SHAPES.items():
        for words, shape in shapes:
            by_words.setdefault(f"{language}: {words}", []).append(f"(?:{shape})")
    return tuple((words, re.compile(f"(?<= )(?:{'|'.join(each)})(?= )")) for words, each in by_words.items())


def distress_in(text: str) -> tuple[str, ...]:
    """Return what a text says of distress, in words of ours."""
    found: set[str] = set()
    for part in clauses(text):
        found |= _book().names_in(part)
        found.update(words for words, shape in _shapes() if shape.search(part) is not None)
    return tuple(sorted(found))
