"""A website with the widget, a gateway behind it and a helpdesk behind that: all real, all on this machine."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.shadowroot import ShadowRoot
from selenium.webdriver.remote.webelement import WebElement

from connectors.webchat.sandbox import WebchatSandbox
from connectors.zendesk.sandbox import ZendeskSandbox
from tests.app.gateways import Served, section
from tests.facilities import Browser
from tests.prove.gateway_process import free_port

T = TypeVar("T")

POLICY = """
[[rule]]
id = "wants-person"
type = "functional"
when.all = ["button.action == 'talk_to_agent'"]
do = "escalate"
ladder = "desk"
set = { priority = "P3", reason = "The customer asks for a person." }
reply = "Your reference is #{{ticket.id}}; see https://example.com/status <img src=x onerror=alert(1)>"

[[rule]]
id = "rest"
do = "none"
catch_all = true

[ladder.desk]
final = { target = "queue:zendesk/Escalations" }
[[ladder.desk.step]]
target = "queue:zendesk/Second line"
ack_within = "15m"
"""


@dataclass(slots=True, kw_only=True)
class Site:
    """The website, as tests see it."""

    page: WebchatSandbox
    desk: ZendeskSandbox
    served: Served
    directory: Path
    port: int
    environ: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.port}/sessions/website"

    @property
    def address(self) -> str:
        return f"{self.page.url}/?gateway={self.gateway}"

    async def start(self) -> None:
        """Start the gateway, on its port."""
        self.served = Served(directory=self.directory, environ=self.environ)
        self.served.start()
        await self.served.until_ready()

    async def stop(self) -> int:
        """End the gateway in good order and return its exit code."""
        self.served.signal(signal.SIGTERM)
        return await self.served.ended()

    async def said(self) -> list[str]:
        """Return the messages of all cases, as the store has them."""
        return await self.served.texts()


@asynccontextmanager
async def website(directory: Path) -> AsyncGenerator[Site]:
    """Put everything up, and down again."""
    page, desk = WebchatSandbox(), ZendeskSandbox()
    await page.start()
    await desk.start()
    port = free_port()
    text = f'[gateway]\nlisten = "127.0.0.1:{port}"\n'
    environ: dict[str, str] = {}
    for header, connector, sandbox in (("chat.website", "webchat", page), ("helpdesk.zendesk", "zendesk", desk)):
        text += section(header, connector, sandbox.settings(), sandbox.secrets(), environ)
    (directory / "plugins.toml").write_text(text)
    (directory / "escalation.toml").write_text(POLICY)
    served = Served(directory=directory, environ=environ)
    site = Site(page=page, desk=desk, served=served, directory=directory, port=port, environ=environ)
    await site.start()
    try:
        yield site
    finally:
        site.served.kill()
        await page.stop()
        await desk.stop()


@dataclass(slots=True, kw_only=True)
class Widget:
    """The widget, as somebody at the browser has it."""

    driver: WebDriver

    @classmethod
    async def on(cls, browser: Browser, site: Site) -> Widget:
        """Load the page and open the widget."""
        widget = cls(driver=browser.driver)
        await asyncio.to_thread(browser.driver.get, site.address)
        await widget.open()
        return widget

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)

    def root(self) -> ShadowRoot:
        return self.driver.find_element(By.ID, "baton-webchat").shadow_root

    def one(self, selector: str) -> WebElement:
        return self.root().find_element(By.CSS_SELECTOR, selector)

    async def open(self) -> None:
        """Press the button in the corner."""
        await until(lambda: bool(self.driver.find_elements(By.ID, "baton-webchat")))
        await self._do(lambda: self.one(".launch").click())

    async def say(self, text: str) -> None:
        """Write a message and press Enter."""
        await self._do(lambda: self.one("textarea").send_keys(text + "\n"))

    def lines(self) -> list[tuple[str, str, str]]:
        """Return what stands in the log: whose it is, its text and its mark."""
        script = """
            const root = document.getElementById("baton-webchat").shadowRoot;
            return [...root.querySelectorAll(".line")].map((line) => [line.classList.contains("you") ? "you" : "us",
                line.querySelector(".say").textContent, line.querySelector(".mark").textContent]);"""
        return [tuple(each) for each in self.driver.execute_script(script)]

    def texts(self, whose: str = "") -> list[str]:
        return [text for side, text, _ in self.lines() if not whose or side == whose]

    async def written(self) -> None:
        """Wait until a line stands there."""
        await until(lambda: bool(self.lines()))

    async def settled(self, *texts: str) -> None:
        """Wait until exactly these lines of the visitor stand there, and none is still being sent."""
        try:
            await until(lambda: [(t, m) for side, t, m in self.lines() if side == "you"] == [(t, "") for t in texts])
        except TimeoutError:
            raise AssertionError(f"{self.lines()} is not {texts}") from None

    def status(self) -> str:
        return self.one("[role=status]").text


async def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.05)
