"""What is new in a mail: in many languages and from many programs, and in linear time whatever the text is."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email.markup import html_text
from connectors.email.mime import read, text_of
from gateway.model import Channel, InboundEmail, Party
from normalizers import normalize
from normalizers.replies import Trimmed, trimmed, visible_reply
from tests.bounded import bounded_work

ATTRIBUTIONS: Final = [
    "On Tue, 3 Nov 2026 at 10:00, Help <help@x.example> wrote:",
    "On 3 Nov 2026, at 10:00, Help wrote:",
    "On Tue, Nov 3, 2026 at 10:00 AM A person with a very long name indeed <\nhelp@x.example> wrote:",
    "Am 03.11.2026 um 10:00 schrieb Hilfe <help@x.example>:",
    "Hilfe <help@x.example> schrieb am Di., 3. Nov. 2026, 10:00:",
    "Le mar. 3 nov. 2026 à 10:00, Aide <help@x.example> a écrit :",
    "El mar, 3 nov 2026 a las 10:00, Ayuda (<help@x.example>) escribió:",
    "Em ter., 3 de nov. de 2026 às 10:00, Ajuda <help@x.example> escreveu:",
    "Il giorno mar 3 nov 2026 alle ore 10:00 Aiuto <help@x.example> ha scritto:",
    "Op di 3 nov 2026 om 10:00 schreef Hulp <help@x.example>:",
    "Den tis 3 nov. 2026 kl 10:00 skrev Hjälp <help@x.example>:",
    "ti 3. marrask. 2026 klo 10.00 Apu <help@x.example> kirjoitti:",
    "wt., 3 lis 2026 o 10:00 Pomoc <help@x.example> napisał(a):",
    "út 3. 11. 2026 v 10:00 odesílatel Pomoc <help@x.example> napsal:",
    "вт, 3 нояб. 2026 г. в 10:00, Помощь <help@x.example>:",
    "3 ноября 2026 г., 10:00 Помощь <help@x.example> написал:",
    "2026年11月3日(火) 10:00 Help <help@x.example>:",
    "在 2026年11月3日,10:00,Help <help@x.example> 写道:",
    "Vào Th 3, 3 thg 11, 2026 vào lúc 10:00 Help <help@x.example> đã viết:",
    "-----Original Message-----\nFrom: Help\nSent: Tuesday",
    "-----Ursprüngliche Nachricht-----",
    "________________________________\nFrom: Help <help@x.example>\nSent: Tuesday, 3 November 2026 10:00\nTo: Ada\nSubject: Order",
    "Von: Hilfe <help@x.example>\nGesendet: Dienstag, 3. November 2026 10:00\nAn: Ada\nBetreff: Bestellung",
    "De : Aide <help@x.example>\nEnvoyé : mardi 3 novembre 2026 10:00\nÀ : Ada\nObjet : Commande",
    "发件人: Help <help@x.example>\n发送时间: 2026年11月3日 10:00\n收件人: Ada\n主题: Order",
    "*From:* Help <help@x.example>\n*Date:* Tue, 3 Nov 2026\n*Subject:* Order",
]  # fmt: skip


@pytest.mark.parametrize("above", ATTRIBUTIONS)
@pytest.mark.parametrize("mark", ["", "> "])
def test_the_answered_mail_goes_in_every_language(above: str, mark: str) -> None:
    quoted = "\n".join(f"{mark}{line}" for line in ("It is on its way.", "", "Help"))
    assert visible_reply(f"It is still not here.\n\nAda\n\n{above}\n\n{quoted}\n") == "It is still not here.\n\nAda"


@pytest.mark.parametrize(
    "below",
    [
        "-- \nAda Byron\nCountess", "--\nAda", "Sent from my iPhone", "Von meinem iPhone gesendet", "Envoyé de mon iPhone",
        "Enviado desde mi iPhone", "Inviato da iPhone", "Verzonden vanaf mijn iPhone", "Skickat från min iPhone",
        "Отправлено с iPhone", "Get Outlook for Android<https://aka.ms/x>", "发自我的iPhone", "iPhoneから送信", "- Ada",
        "_______________________________________________\nusers mailing list\nusers@lists.example",
    ],
)  # fmt: skip
def test_the_signature_goes(below: str) -> None:
    parts = trimmed(f"Where is my order?\n\n{below}\n")
    assert parts.reply == "Where is my order?"
    assert parts.signature.strip() == _plain(below)


@pytest.mark.parametrize(
    "text",
    [
        "From: the beginning it was broken.\nTo: me that is a joke.",
        "On Monday I wrote you:\nnothing happened.",
        "Sent from my desk, this is urgent.",
        "My list:\n- apples\n- pears",
        "Total:\n-----\n12 EUR, and the invoice says 15, so please look into it again and tell me " + "why " * 30,
        "I wrote: please help.",
        "To: the manager\n\nI want my money back.",
        "a -- b",
        "Le problème est grave : 2026 est fini",
        "FYI\n\n---------- Forwarded message ----------\nFrom: Shop <a@x.example>\nDate: today\n\nYour parcel is lost.",
    ],
)
def test_what_the_sender_wrote_stays(text: str) -> None:
    assert visible_reply(text) == text.strip()


def test_answers_between_quotes_stay_and_the_quotes_go() -> None:
    text = "Hi,\n\nOn 1 Nov 2026, Help wrote:\n> Which order?\n\n4711\n\n> Which colour?\n\nblue\n"
    assert visible_reply(text) == "Hi,\n\n4711\n\nblue"


def test_a_mail_that_is_only_a_quote_is_not_empty() -> None:
    assert visible_reply("> only this") == "> only this"
    assert visible_reply("From: A <a@x.example>\nSent: today\nSubject: x\n\nthe mail handed on") == "the mail handed on"


@given(st.text(alphabet=st.sampled_from("On wrote:<>@-_ \n12From Sent"), max_size=400) | st.text(max_size=200))
def test_any_text_is_trimmed_to_a_part_of_itself(text: str) -> None:
    parts = trimmed(text)
    assert isinstance(parts, Trimmed)
    assert bool(parts.reply) or not re.sub("[\u200b-\u200f\u2028-\u202e\u2060\ufeff]", "", text).strip()
    assert len(parts.reply) <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "On " * 60_000, "On \n" * 60_000, "From: a@b\n" * 20_000, "From: a@b\n\n" * 20_000, "-" * 200_000, "---\n" * 50_000,
        "> a\n" * 50_000, "a@b <a@b> wrote\n" * 12_000, "On 1 2 3 <a@b> x\n" * 12_000, "Sent: x\nTo: y\n" * 14_000,
        "On 1:11, " + "a " * 90_000 + "wrote:", "\n- a" * 66_000, "<\n" * 100_000, "Sent from my a b c d\n" * 9_000,
        " " * 200_000, "_ " * 100_000,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_text_costs_little(text: str) -> None:
    with bounded_work():
        trimmed(text)


def test_the_normalizer_fills_what_the_source_leaves_empty() -> None:
    def new_text(**more: Any) -> str:
        event = InboundEmail(
            thread="t",
            dedupe="d",
            occurred_at=1,
            sender=Party(kind="email", value="a@x.example"),
            message_id="<1@x>",
            text="New.\n\nOn 1 Nov 2026, Help wrote:\n> Old.",
            **more,
        )
        return normalize(event, connection="c", channel=Channel.EMAIL, received_at=1).reply_text

    assert new_text() == "New."
    assert new_text(reply_text="as the vendor says") == "as the vendor says"


# --- test data that others wrote -----------------------------------------------------------------------------------------
def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def _bare(text: str) -> str:
    return re.sub(r"\s|&#160;", "", re.sub(r"^_{32}$", "", text, flags=re.MULTILINE))


def _holds(check: dict[str, Any], reply: str, folder: Path) -> bool | None:  # noqa: PLR0911 (a table of checks)
    """Return whether a check of the reply holds; None for what is no matter of the reply."""
    value: str = check.get("value") or ""
    match check["op"]:
        case "reply_equals" | "body_equals":
            return _plain(reply) == _plain(value)
        case "reply_equals_file":
            return _plain(reply) == _plain((folder / check["file"]).read_text(encoding="utf-8", errors="replace"))
        case "reply_contains":
            return value in reply
        case "reply_not_contains":
            return value not in reply
        case "reply_startswith":
            return reply.startswith(value)
        case "reply_text_equals_nows":
            return _bare(reply) == _bare(value)
        case _:
            return None


def test_the_visible_reply_is_right_for_most_cases_of_others(reference: Path) -> None:
    folder = reference / "reply"
    right: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for line in (folder / "cases.open.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        raw = (folder / case["input_file"]).read_bytes() if "input_file" in case else case["input_text"].encode()
        if case["kind"] == "eml":
            text = text_of(read(raw))
        else:
            text = raw.decode("utf-8", "replace")
            text = html_text(text) if case["kind"] == "html" else text
        reply = visible_reply(text)
        held = [good for check in case["checks"] if (good := _holds(check, reply, folder)) is not None]
        if held:
            tried[case["source"]] += 1
            right[case["source"]] += all(held)
    shares = {source: f"{right[source]}/{count}" for source, count in tried.items()}
    print(f"visible reply: {right.total()}/{tried.total()} {shares}")
    assert tried.total() > 100
    assert right.total() / tried.total() >= 0.85
