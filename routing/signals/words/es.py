"""Spanish: how people ask for somebody, and what they say in distress. Accents are gone, ñ is n."""

from __future__ import annotations

from typing import Final

from routing.signals.grammar import Grammar

_WORDS: Final = (
    r"(?:(?:un|una|uno|una de|el|la|los|las|su|sus|tu|tus|vuestro|algun|alguna|otro|otra|ser|verdadero|"
    r"verdadera|de|del|con|real|miembro|"
    r"equipo|servicio|atencion|persona) ){0,4}"
)
_NAMED: Final = (
    r"(?:humanos?|humana|ser humano|seres humanos|agentes?|asesor(?:a|es)?|representantes?|operador(?:a|"
    r"es)?|ejecutiv[oa]s?|emplead[oa]s?|"
    r"trabajador(?:a|es)?|tecnico|teleoperador(?:a)?|persona(?! de contacto\b)(?: (?:real|de verdad|humana|"
    r"de carne y hueso))?|atencion al cliente|"
    r"servicio al cliente|alguien (?:mas|real|de verdad|competente)|otra persona|recepcion|colaborador)"
)
_PERSON: Final = rf"(?:{_NAMED}|alguien|personas|gente|soporte|equipo|alguno)"
_BOT: Final = (
    r"(?:bots?|robots?|chatbots?|maquinas?|computadoras?|ordenador|ia|programa|contestador|"
    r"asistente virtual)"
)
_REACH: Final = (
    r"(?:hablar|hablo|charlar|conversar|comunicarme|comunicar|comunicarnos|chatear|platicar|contactar|"
    r"contactarme|contacto|contactarnos|"
    r"ponerme en contacto|dialogar|tratar|atienda|atender)"
)

GRAMMAR: Final = Grammar(
    language="es",
    person=_PERSON,
    named=_NAMED,
    manager=(
        r"(?:gerentes?|managers?|supervisor(?:a|es)?|jef[ea]s?|encargad[oa]s?|responsables?|director(?:a|es)?|"
        r"superior(?:es)?|"
        r"coordinador(?:a)?|duen[oa])"
    ),
    shapes=(
        rf"{_REACH}(?: (?:directamente|ahora|ya|mejor|por favor)){{0,2}} (?:con|a|al) {_WORDS}{{who}}",
        (
            rf"(?:paseme|pasame|pasa|pase|pasarme|pasen|pasenme|transfiereme|transfierame|transfieran|"
            rf"transfieranme|transferirme|conectame|conecteme|conectarme|"
            rf"comuniqueme|comunicame|comuniqueme|ponme|pongame|poner|ponerme|derivame|deriveme|derivar|derivarme|"
            rf"redirigeme|"
            rf"transferir|mandame|enlazarme|enlaceme)(?: (?:en|contacto|ya|ahora|directamente)){{0,3}} (?:con|a|"
            rf"al) {_WORDS}{{who}}"
        ),
        (
            rf"(?:quiero|quisiera|necesito|deseo|exijo|prefiero|dame|deme|requiero|me gustaria|solicito|quero)"
            rf"(?: (?:ya|ahora|ayuda|que|la|me|atienda|atencion|asistencia|tener|de)){{0,4}} {_WORDS}{{named}}"
        ),
        rf"(?:hay|existe|tienen|tienes) {_WORDS}{{named}}",
        rf"(?:atienda|ayude|llame|contacte|contacten|responda|atiende) {_WORDS}{{who}}",
        rf"(?:puede|podria|puedes) {_WORDS}{{who}} (?:llamarme|contactarme|atenderme|ayudarme)",
    ),
    open_shapes=(
        (
            r"(?:llamenme|llameme|llamame|llamenos|llamennos)(?= (?:por|porfa|porfavor|ya|hoy|manana|ahora|al"
            r"|cuando|en|lo|gracias|y|de)\b| $)"
        ),
        (
            r"(?:pueden|puede|podrian|podria|puedes|podeis) (?:por favor )?(?:llamarme"
            r"|devolverme la llamada)(?= (?:por|ya|hoy|manana|ahora|al|cuando|en|lo)\b| $)"
        ),
        r"(?:quiero|necesito|quisiera|pido|solicito|gustaria) que me (?:llamen|llame|llamaran)",
        r"(?:devuelvanme|devuelvame|devuelveme) la llamada",
        (
            r"(?:paseme|pasame|comuniqueme|comunicame|transfierame|transfiereme|conecteme|"
            r"pongame) (?:en contacto )?(?:con|al|a la) (?!mi\b)\w+"
        ),
    ),
    dislikes=(
        (
            rf"(?:no|harto de|harta de|cansado de|cansada de|deja de|dejar de|sin)(?: (?:quiero|me gusta|deseo|"
            rf"seguir|mas|voy a)){{0,3}} "
            rf"(?:hablar|hablando|chatear|conversar|tratar) (?:mas )?(?:con|contigo)(?: (?:un|una|el|la|este|esta|"
            rf"unas|usted))?(?: (?:{_BOT}))?(?<!con)"
            rf"(?<! un)(?<! una)(?<! el)(?<! la)(?<! este)(?<! esta)"
        ),
        rf"no (?:quiero|necesito) (?:(?:un|una|ningun|mas|hablar con un|hablar con una) )?{_BOT}",
    ),
    bare=(
        r"(?:(?:un|una|otro|otra|ser|persona) ){0,3}(?:humano|agente|asesor|asesora|representante|operador|"
        r"operadora|ejecutivo|persona real|"
        r"persona|atencion al cliente|servicio al cliente)"
    ),
    bare_manager=r"(?:(?:un|una|el|la|su) )?(?:gerente|supervisor|supervisora|jefe|encargado|manager)",
    polite=r"por|favor|porfa|porfavor|ya|ahora|hola|gracias|si|buenas|buenos|dias|tardes|con|mejor",
    denials=r"no|sin|nunca|jamas|tampoco|ningun|ninguna|en vez de|en lugar de|evitar|ni",
    fillers=(
        r"quiero|necesito|hace falta|deseo|me|gusta|tener|que|es|necesario|hablar|con|un|una|quisiera|falta|"
        r"hace|voy|a|tengo|por"
    ),
    asides=r"eres|es usted|estoy hablando|hablo con|sos|esto es|usted es|he hablado|hable con|ya hable|ayer|me dijo",
    phrases=(
        *(
            "hablar con una persona",
            "hablar con un agente",
            "hablar con un humano",
            "hablar con alguien",
            "hablar con un asesor",
        ),
        *("hablar con un representante", "hablar con un operador", "hablar con una persona real"),
    ),
    manager_phrases=(
        "hablar con un supervisor",
        "hablar con el gerente",
        "hablar con un gerente",
        "hablar con su jefe",
    ),
)

DISTRESS: Final = (
    *(
        "suicidarme",
        "suicidio",
        "suicidar",
        "matarme",
        "quiero morir",
        "quiero morirme",
        "quitarme la vida",
        "acabar con mi vida",
    ),
    *(
        "no quiero vivir",
        "no quiero seguir viviendo",
        "hacerme dano",
        "sin razon para vivir",
        "sobredosis",
        "terminar con mi vida",
    ),
)
