"""Portuguese of Portugal and Brazil: how people ask for somebody, and what they say in distress. Accents are gone."""

from __future__ import annotations

from typing import Final

from routing.signals.grammar import Grammar

_WORDS: Final = (
    r"(?:(?:um|uma|o|a|os|as|seu|sua|teu|outro|outra|algum|alguma|ser|verdadeiro|de|do|da|membro|equipe|"
    r"equipa|pessoa|com) ){0,4}"
)
_NAMED: Final = (
    r"(?:human[oa]s?|ser humano|seres humanos|atendentes?|agentes?|operador(?:a|es)?|representantes?|"
    r"assistente humano|consultor(?:a|es)?|"
    r"funcionari[oa]s?|colaborador(?:a|es)?|tecnico|atendimento humano|suporte humano|pessoa(?: (?:real|"
    r"de verdade|humana|de carne e osso))?|"
    r"atendimento ao cliente|apoio ao cliente|servico de apoio|alguem (?:real|de verdade|competente)|outra pessoa)"
)
_PERSON: Final = rf"(?:{_NAMED}|alguem|pessoas|gente|suporte|equipe|equipa|recepcao)"
_BOT: Final = r"(?:bots?|robos?|robots?|chatbots?|maquinas?|computador|ia|programa|gravacao|assistente virtual)"
_REACH: Final = (
    r"(?:falar|falo|conversar|comunicar|contactar|contatar|contato|contacto|dialogar|chat|ser atendid[oa]|"
    r"atendid[oa]|tratar|fale)"
)

GRAMMAR: Final = Grammar(
    language="pt",
    person=_PERSON,
    named=_NAMED,
    manager=(
        r"(?:gerentes?|managers?|supervisor(?:a|es)?|chef[ea]s?|responsave(?:l|is)|diretor(?:a|es)?|"
        r"superior(?:es)?|coordenador(?:a)?|encarregad[oa]|patrao)"
    ),
    shapes=(
        rf"{_REACH}(?: (?:diretamente|agora|ja|logo|por favor)){{0,2}} (?:com|a|ao|por|pro) {_WORDS}{{who}}",
        (
            rf"(?:me )?(?:passe|passa|passar|transfira|transfere|transferir|conecte|conecta|conectar|coloque|"
            rf"encaminhe|encaminha|encaminhar|direcione|ligue|ligar|"
            rf"ponha|redirecione)(?: (?:me|em|contato|contacto|a ligacao|agora|mim|ja)){{0,3}} (?:com|para|ao|a|"
            rf"pra|pro) {_WORDS}{{who}}"
        ),
        (
            rf"(?:quero|queria|gostaria|preciso|desejo|exijo|prefiro|necessito|da me|me da|me de|de me|solicito)"
            rf"(?: (?:de|ajuda|agora|ja|ter|ser|que|atendimento|por|um|uma)){{0,4}} {_WORDS}{{named}}"
        ),
        rf"(?:ha|tem|existe|tem ai|voces tem) {_WORDS}{{named}}",
        rf"(?:pode|poderia) {_WORDS}{{who}} (?:me )?(?:ligar|contatar|contactar|ajudar|atender)(?: me)?",
    ),
    open_shapes=(
        (
            r"(?:me liguem|me ligue|liguem me|ligue me|me retornem|me telefonem|telefonem me)(?= (?:por"
            r"|hoje|amanha|agora|ja|no|quando|assim|de|favor|o)\b| $)"
        ),
        r"(?:podem|pode|poderiam|poderia) (?:por favor )?(?:me (?:ligar|telefonar)|(?:ligar|telefonar) me)",
        r"(?:quero|preciso|gostaria|queria|peco) que me (?:liguem|ligue|ligassem|telefonem)",
        (
            r"(?:me passe|passe me|me passa|transfira me|me transfira|me transfere) (?:para|com|ao|pra|"
            r"pro) (?!minha\b|meu\b)\w+"
        ),
    ),
    dislikes=(
        (
            rf"(?:nao|cansado de|cansada de|farto de|farta de|chega de|parar de)(?: (?:quero|gosto de|desejo|vou|"
            rf"mais)){{0,3}} (?:falar|conversar|tratar) "
            rf"(?:mais )?(?:(?:com (?:(?:um|uma|o|a|este|esta|esse|essa|"
            rf"voce) ?)?(?:{_BOT})?)(?<!com )(?<! um)(?<! uma)(?<! o)(?<! a)|contigo|com voce)"
        ),
        rf"(?:nao quero|chega de|nada de) (?:(?:um|uma|o|mais) )?{_BOT}",
    ),
    bare=(
        r"(?:(?:um|uma|outro|outra|ser) ){0,3}(?:humano|atendente|agente|operador|operadora|pessoa real|"
        r"pessoa|representante|"
        r"atendimento humano|assistente humano|atendente humano)"
    ),
    bare_manager=r"(?:(?:um|uma|o|a|seu) )?(?:gerente|supervisor|supervisora|chefe|responsavel)",
    polite=r"por|favor|porfavor|agora|ja|ola|oi|obrigado|obrigada|sim|bom|dia|boa|tarde|nao|com",
    denials=r"nao|sem|nunca|jamais|nenhum|nenhuma|em vez de|ao inves de|evitar|nem",
    fillers=r"quero|preciso|precisa|gostaria|de|e|necessario|ter|que|um|uma|falar|com|vou|desejo|tenho|ha|necessidade",
    asides=r"voce e|es (?:um|uma)|e voce|estou falando|estou a falar|isto e|isso e|falei com|ja falei|ontem|me disse",
    phrases=(
        *(
            "falar com um atendente",
            "falar com uma pessoa",
            "falar com um humano",
            "falar com alguem",
            "falar com um agente",
        ),
        *("falar com um operador", "falar com um representante", "falar com uma pessoa real"),
    ),
    manager_phrases=(
        "falar com o gerente",
        "falar com um gerente",
        "falar com um supervisor",
        "falar com o responsavel",
    ),
)

DISTRESS: Final = (
    *(
        "me matar",
        "matar me",
        "suicidio",
        "suicidar",
        "quero morrer",
        "tirar a minha vida",
        "tirar minha vida",
        "acabar com a minha vida",
    ),
    *(
        "acabar com minha vida",
        "nao quero mais viver",
        "nao quero viver",
        "me machucar",
        "sem razao para viver",
        "overdose",
    ),
)
