"""Dutch: how people ask for somebody, and what they say in distress."""

from __future__ import annotations

from typing import Final

from routing.signals.grammar import Grammar

_WORDS: Final = (
    r"(?:(?:een|de|het|n|uw|jullie|je|ander|andere|echt|echte|echt een|levend|levende|menselijke|iemand|"
    r"van|iemand van|"
    r"medewerker van|nu) ){0,4}"
)
_NAMED: Final = (
    r"(?:mens(?:en)?|persoon|medewerkers?|medewerkster|agent|adviseurs?|vertegenwoordigers?|collegas?|"
    r"collega|operator|telefonist|"
    r"klantenservice(?: medewerker)?|klantenservicemedewerker|consulent|helpdeskmedewerker|iemand anders|iemand echt)"
)
_PERSON: Final = rf"(?:{_NAMED}|iemand|mensen|klantenservice|helpdesk|support|receptie|team)"
_REACH: Final = (
    r"(?:spreken|praten|spreek|chatten|bellen|overleggen|verbonden|doorverbonden|verbinden|doorverbinden|"
    r"contact|communiceren|kletsen)"
)
_BOT: Final = r"(?:bots?|robots?|chatbots?|machines?|computers?|ai|programma|antwoordapparaat|virtuele \w+)"

GRAMMAR: Final = Grammar(
    language="nl",
    person=_PERSON,
    named=_NAMED,
    manager=(
        r"(?:managers?|leidinggevenden?|chefs?|baas|supervisors?|teamleiders?|teamleider|directeur|"
        r"verantwoordelijken?|bedrijfsleider|filiaalmanager)"
    ),
    shapes=(
        rf"met {_WORDS}{{who}} (?:\w+ ){{0,4}}{_REACH}",
        (
            rf"(?:spreken|praten|chatten|contact|overleggen|doorverbonden|verbonden|verbind|verbindt|doorverbinden|"
            rf"gesprek|bellen)"
            rf"(?: (?:mij|me|ons|nu|graag|direct|door|u|worden|opnemen)){{0,4}} (?:met|naar) {_WORDS}{{who}}"
        ),
        (
            rf"(?:wil|wilt|zou|willen|graag|nodig|mag|kan)(?: (?:ik|wij|we|graag|nu|even|eens|alstublieft|aub|"
            rf"gewoon|hier)){{0,4}} {_WORDS}{{who}} "
            rf"(?:\w+ ){{0,2}}(?:spreken|aan de lijn|aan de telefoon)"
        ),
        (
            rf"(?:wil|geef mij|geef me|heb|ik eis|graag|verlang)(?: (?:ik|graag|nu|gewoon|"
            rf"hulp van)){{0,3}} {_WORDS}{{named}}(?! (?:nummer)\b)"
        ),
        rf"hulp (?:nodig )?van {_WORDS}{{who}}",
        rf"(?:is er|zijn er|hebben jullie|hebt u) {_WORDS}{{named}}",
        rf"(?:kan|wil|zou) {_WORDS}{{who}} (?:mij|me) (?:\w+ )?(?:bellen|terugbellen|helpen)",
    ),
    open_shapes=(
        (
            r"(?:bel|belt) (?:u )?(?:me|mij|ons)(?: (?:even|nu|vandaag|morgen|graag|aub|alsjeblieft|alstublieft"
            r"|zo snel mogelijk|snel))*(?: terug|(?= $))"
        ),
        (
            r"(?:kunt|kun|kunnen|wilt|wil|willen|zou|zouden) (?:u|je|jullie) (?:me|mij"
            r"|ons) (?:\w+ ){0,3}(?:terugbellen|bellen|terug bellen)"
        ),
        r"(?:wil|wens|graag|zou)(?: (?:ik|graag|ook))* (?:teruggebeld|gebeld)(?: (?:worden|te worden))?",
        r"(?:verbind|verbindt) (?:mij|me|u mij) (?:door |even )?(?:met|naar) (?!mijn\b)\w+",
    ),
    dislikes=(
        (
            rf"(?:niet|nooit|geen zin om|niet meer)(?: (?:meer|langer))? met (?:(?:een|deze|die|de|"
            rf"jullie) )?(?:{_BOT}|jou|u|je) (?:te )?(?:praten|spreken|chatten)"
        ),
        rf"geen (?:\w+ )?{_BOT}",
    ),
    bare=(
        r"(?:(?:een|echt|echte|ander|andere) ){0,3}(?:mens|medewerker|persoon|adviseur|klantenservice|"
        r"operator|agent|iemand anders)"
    ),
    bare_manager=r"(?:(?:een|de|uw) )?(?:manager|leidinggevende|supervisor|teamleider|baas)",
    polite=r"alstublieft|alsjeblieft|aub|graag|nu|hallo|dank|bedankt|ja|nee|direct|meteen|met|spreken",
    denials=r"niet|geen|zonder|nooit|in plaats van|hoef niet|nergens",
    fillers=r"meer|per se|met|graag|te|hoeven|nodig|een|echt|wil|ik|om|langer|hoef|nu",
    asides=r"ben je|bent u|spreek ik|praat ik|is dit|heb ik|ik heb (?:al )?(?:gesproken|gebeld)|gisteren|zei",
    phrases=(
        *("met een mens praten", "met een mens spreken", "met een medewerker spreken", "met een medewerker praten"),
        *("iemand spreken", "met iemand spreken", "met iemand praten", "een medewerker spreken"),
    ),
    manager_phrases=("met een manager spreken", "met uw manager spreken", "met een leidinggevende spreken"),
)

DISTRESS: Final = (
    *("zelfmoord", "mezelf van het leven", "wil dood", "wil sterven", "niet meer leven", "een einde aan mijn leven"),
    *("mezelf pijn doen", "mezelf iets aandoen", "suicide", "geen reden om te leven", "overdosis", "zelfdoding"),
)
