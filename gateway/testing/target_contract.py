"""What everything that writes to a vendor keeps: once is once, and an error says what the host may do next."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from gateway.model import altered
from gateway.sdk import Evidence, File, Handoff, Mode, OutcomeUnknown, Party, TemporaryFailure
from gateway.testing.faults import FaultKind
from gateway.testing.host import FakeHost

#: Faults after which the write stands at the vendor although the answer was lost.
LANDED = (FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.HALF_BODY)


class WriteContract:
    """The shared part. Subclass `HandoffTargetContract`, `ReplierContract` or `NotifierContract`."""

    # --- what the connector's author supplies ------------------------------------------------------------------------
    def route(self) -> str:
        """Return the name of the sandbox's route that the write goes to."""
        raise NotImplementedError

    def something(self, sandbox: Any, key: str) -> Any:
        """Return something to write, under an idempotency key, with the words `SECRET-BODY` in its text."""
        raise NotImplementedError

    def written(self, sandbox: Any, key: str) -> int:
        """Return how often what was under that key stands in the sandbox."""
        raise NotImplementedError

    async def _write(self, connector: Any, what: Any) -> Any:
        raise NotImplementedError

    async def _settle(self, connector: Any, what: Any) -> Any:
        raise NotImplementedError

    # --- once is once ------------------------------------------------------------------------------------------------
    async def test_a_write_lands_and_is_proven(self, connector: Any, sandbox: Any) -> None:
        """The receipt names what the vendor made; nothing else counts as done."""
        what = self.something(sandbox, "key-1")
        assert await self._settle(connector, what) is None
        receipt = await self._write(connector, what)
        assert receipt.ids
        assert self.written(sandbox, "key-1") == 1
        found = await self._settle(connector, what)
        assert found is not None
        assert found.ids[-1] == receipt.ids[-1]

    @pytest.mark.parametrize("fault", LANDED)
    async def test_a_lost_answer_is_unknown_and_can_be_settled(
        self, connector: Any, sandbox: Any, fault: FaultKind
    ) -> None:
        """The write stands, nobody heard of it: it must be found, and must not be called a failure."""
        what = self.something(sandbox, "key-2")
        sandbox.faults.add(self.route(), fault)
        with pytest.raises(OutcomeUnknown):
            await self._write(connector, what)
        assert self.written(sandbox, "key-2") == 1
        assert await self._settle(connector, what) is not None
        assert self.written(sandbox, "key-2") == 1

    async def test_a_connection_that_breaks_before_is_settled_as_absent(self, connector: Any, sandbox: Any) -> None:
        """Whatever it is called, settling says that it is not there, so that it is sent again."""
        what = self.something(sandbox, "key-3")
        sandbox.faults.add(self.route(), FaultKind.RESET_BEFORE)
        with pytest.raises((OutcomeUnknown, TemporaryFailure)):
            await self._write(connector, what)
        assert await self._settle(connector, what) is None
        assert self.written(sandbox, "key-3") == 0

    async def test_nothing_is_sent_twice_behind_our_back(self, connector: Any, sandbox: Any) -> None:
        """The vendor's SDK must not retry: each fault meets exactly one request."""
        for fault in (*LANDED, FaultKind.RESET_BEFORE, FaultKind.RATE_LIMITED, FaultKind.ERROR_BEFORE):
            what = self.something(sandbox, f"key-once-{fault.value}")
            before = sandbox.count(self.route())
            sandbox.faults.add(self.route(), fault)
            with pytest.raises((OutcomeUnknown, TemporaryFailure)):
                await self._write(connector, what)
            assert sandbox.count(self.route()) == before + 1, fault

    # --- what errors mean --------------------------------------------------------------------------------------------
    async def test_a_limit_keeps_the_vendors_wish(self, connector: Any, sandbox: Any) -> None:
        """429 with Retry-After: nothing happened, and the host waits as long as the vendor asks."""
        sandbox.faults.add(self.route(), FaultKind.RATE_LIMITED, seconds=7)
        with pytest.raises(TemporaryFailure) as failure:
            await self._write(connector, self.something(sandbox, "key-4"))
        assert failure.value.retry_after == 7

    async def test_a_limit_blocks_nobody(self, connector: Any, sandbox: Any) -> None:
        """Some SDKs sleep through a limit in the caller's thread; the host is who waits."""
        sandbox.faults.add(self.route(), FaultKind.RATE_LIMITED, seconds=600)
        async with asyncio.timeout(5):
            with pytest.raises(TemporaryFailure):
                await self._write(connector, self.something(sandbox, "key-5"))

    async def test_unavailable_is_temporary(self, connector: Any, sandbox: Any) -> None:
        """503: not taken."""
        sandbox.faults.add(self.route(), FaultKind.ERROR_BEFORE, status=503)
        with pytest.raises(TemporaryFailure):
            await self._write(connector, self.something(sandbox, "key-6"))

    async def test_a_server_that_breaks_may_have_written(self, connector: Any, sandbox: Any) -> None:
        """500: it may have broken after the effect."""
        sandbox.faults.add(self.route(), FaultKind.ERROR_BEFORE, status=500)
        with pytest.raises(OutcomeUnknown):
            await self._write(connector, self.something(sandbox, "key-7"))

    async def test_errors_tell_no_secret_and_quote_no_body(self, connector: Any, sandbox: Any) -> None:
        """Errors are logged and shown."""
        for fault in FaultKind:
            if fault in {FaultKind.HANG, FaultKind.DELAY_AFTER}:
                continue
            sandbox.faults.add(self.route(), fault)
            with pytest.raises(Exception, match=r".") as failure:
                await self._write(connector, self.something(sandbox, f"key-8-{fault.value}"))
            text = repr(failure.value) + repr(failure.value.__cause__)
            assert "SECRET-BODY" not in text
            assert not [secret for secret in sandbox.secrets().values() if secret in text]
            assert str(failure.value).endswith((".", "?", "!"))

    async def test_a_whole_run_of_faults_leaves_each_thing_once(self, connector: Any, sandbox: Any) -> None:
        """Send, and after an unknown outcome settle, and send again only when it is absent: as the host does."""
        faults = [kind for kind in FaultKind if kind not in {FaultKind.HANG, FaultKind.DELAY_AFTER}]
        for number in range(24):
            key = f"key-run-{number}"
            what = self.something(sandbox, key)
            for step in range(3):
                sandbox.faults.add(self.route(), faults[(number * 3 + step) % len(faults)])
            for _ in range(8):
                try:
                    await self._write(connector, what)
                    break
                except OutcomeUnknown:
                    if await self._settle(connector, what) is not None:
                        break
                except TemporaryFailure:
                    continue
            sandbox.faults.clear()
            assert self.written(sandbox, key) == 1, key


class HandoffTargetContract(WriteContract):
    """A target of handoffs. Supply `handoff(sandbox, key)` as `something`."""

    async def _write(self, connector: Any, what: Any) -> Any:
        return await connector.hand_off(what)

    async def _settle(self, connector: Any, what: Any) -> Any:
        return await connector.settle(what)

    async def test_the_same_key_twice_leaves_one(self, connector: Any, sandbox: Any) -> None:
        """A handoff is idempotent on its key, even when somebody sends it again without settling."""
        what = self.something(sandbox, "key-9")
        first = await connector.hand_off(what)
        again = await connector.hand_off(what)
        assert first.ticket_id == again.ticket_id
        assert self.written(sandbox, "key-9") == 1


class RequesterContract:
    """A target whose tickets are for somebody: agents' public answers are mailed to them. Beside `HandoffTargetContract`."""

    # --- what the connector's author supplies ------------------------------------------------------------------------
    def new_ticket(self, sandbox: Any, key: str, requester: Party) -> Handoff:
        """Return a handoff that makes a ticket for somebody."""
        raise NotImplementedError

    def requester_of(self, sandbox: Any, ticket_id: str) -> str:
        """Return the e-mail address that the ticket is for, in small letters; empty when it is for none."""
        raise NotImplementedError

    # --- who a ticket is for -----------------------------------------------------------------------------------------
    @pytest.mark.parametrize(
        "party",
        [
            Party(kind="email", value="Mia@Customer.Example", name="Mia", evidence=Evidence.VERIFIED),
            Party(kind="email", value="mia@customer.example", evidence=Evidence.ATTESTED),
            Party(kind="chat_user", value="U7", name="Mia", email="mia@customer.example", evidence=Evidence.VERIFIED),
        ],
        ids=["a mail", "a mail without a name", "an address given along"],
    )
    async def test_a_ticket_is_for_the_customer_whose_address_is_proven(
        self, connector: Any, sandbox: Any, party: Party
    ) -> None:
        """Whoever answers the ticket answers its requester: that must not be ourselves."""
        receipt = await connector.hand_off(self.new_ticket(sandbox, "key-requester", party))
        assert self.requester_of(sandbox, receipt.ticket_id) == "mia@customer.example"

    @pytest.mark.parametrize(
        "party",
        [
            Party(kind="email", value="mia@customer.example", name="Mia", evidence=Evidence.CLAIMED),
            Party(kind="visitor", value="v-1", name="Mia", email="mia@customer.example", evidence=Evidence.CLAIMED),
            Party(kind="phone", value="+4930123456", evidence=Evidence.ATTESTED),
        ],
        ids=["a forged mail", "an address that was typed", "no address"],
    )
    async def test_a_ticket_is_for_no_address_that_nobody_proved(
        self, connector: Any, sandbox: Any, party: Party
    ) -> None:
        """Else anybody could have what agents write mailed to somebody else: and ours is no customer's address either."""
        receipt = await connector.hand_off(self.new_ticket(sandbox, "key-claimed", party))
        assert self.requester_of(sandbox, receipt.ticket_id) == ""


class ReopeningContract:
    """A target whose tickets have a state. Beside `HandoffTargetContract`."""

    # --- what the connector's author supplies ------------------------------------------------------------------------
    def solved_ticket(self, sandbox: Any) -> str:
        """Return a ticket that an agent has solved."""
        raise NotImplementedError

    def update_of(self, sandbox: Any, key: str, ticket_id: str) -> Handoff:
        """Return an update of a ticket, in mode `live`, by which a rule sets no state."""
        raise NotImplementedError

    def in_work(self, sandbox: Any, ticket_id: str) -> bool:
        """Return whether agents see that there is something to do on a ticket."""
        raise NotImplementedError

    # --- a customer who is back --------------------------------------------------------------------------------------
    async def test_a_solved_ticket_whose_customer_is_back_is_opened_again(self, connector: Any, sandbox: Any) -> None:
        """An internal note on a solved ticket is seen by nobody."""
        ticket_id = self.solved_ticket(sandbox)
        assert not self.in_work(sandbox, ticket_id)
        handoff = altered(self.update_of(sandbox, "key-back", ticket_id), reopen=True)
        receipt = await connector.hand_off(handoff)
        assert receipt.ticket_id == ticket_id
        assert self.in_work(sandbox, ticket_id)
        await connector.hand_off(handoff)
        assert self.in_work(sandbox, ticket_id)

    async def test_a_solved_ticket_stays_solved_for_anything_else(self, connector: Any, sandbox: Any) -> None:
        """Whoever acknowledges late must not open again what is done; and the mode `notes` writes notes."""
        ticket_id = self.solved_ticket(sandbox)
        await connector.hand_off(self.update_of(sandbox, "key-note", ticket_id))
        noted = altered(self.update_of(sandbox, "key-notes", ticket_id), reopen=True, mode=Mode.NOTES)
        await connector.hand_off(noted)
        assert not self.in_work(sandbox, ticket_id)


class CarryingContract:
    """A target that carries files. Beside `HandoffTargetContract`."""

    # --- what the connector's author supplies ------------------------------------------------------------------------
    def handoff_with(self, sandbox: Any, key: str, files: tuple[File, ...], *, adopted: bool) -> Handoff:
        """Return a handoff whose packet's conversation has one line with these files, onto a new ticket or an adopted one."""
        raise NotImplementedError

    def notes_on(self, sandbox: Any, ticket_id: str) -> str:
        """Return everything that agents read on a ticket."""
        raise NotImplementedError

    def files_on(self, sandbox: Any, ticket_id: str) -> list[bytes]:
        """Return the files that stand on a ticket."""
        raise NotImplementedError

    # --- what the note says of files, and where they are -------------------------------------------------------------
    async def test_a_note_names_as_attached_what_is_there_and_of_the_rest_says_why(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        """Agents look for a file that a note names; more of them than a vendor takes are named all the same."""
        bodies = [f"file {number}".encode() for number in range(30)]
        files = tuple(_file(f"f{number}.png", body, host) for number, body in enumerate(bodies))
        vast = altered(_file("vast.bin", b"vast", host), size=10_000_000_000)
        receipt = await connector.hand_off(self.handoff_with(sandbox, "key-files", (*files, vast), adopted=False))
        notes, there = self.notes_on(sandbox, receipt.ticket_id), self.files_on(sandbox, receipt.ticket_id)
        named = [body for number, body in enumerate(bodies) if f"[file: f{number}.png]" in notes]
        assert sorted(there) == sorted(named)
        assert named
        for file in (*files, vast):
            assert f": {file.name}]" in notes
        assert "[file: vast.bin]" not in notes

    async def test_an_adopted_ticket_has_its_own_files_already(
        self, connector: Any, sandbox: Any, host: FakeHost
    ) -> None:
        """The case's conversation came from that very ticket: its files would stand there twice."""
        file = _file("bill.pdf", b"%PDF the bill", host)
        receipt = await connector.hand_off(self.handoff_with(sandbox, "key-adopted", (file,), adopted=True))
        assert self.files_on(sandbox, receipt.ticket_id) == []


def _file(name: str, body: bytes, host: FakeHost) -> File:
    """Return a file that the host keeps."""
    digest = hashlib.sha256(body).hexdigest()
    host.blobs[digest] = body
    return File(name=name, media_type="application/octet-stream", size=len(body), sha256=digest)


class ReplierContract(WriteContract):
    """A replier. Supply a `Reply` as `something`."""

    async def _write(self, connector: Any, what: Any) -> Any:
        return await connector.reply(what)

    async def _settle(self, connector: Any, what: Any) -> Any:
        return await connector.settle_reply(what)


class NotifierContract(WriteContract):
    """A notifier. Supply a `Notice` as `something`."""

    async def test_settings_that_suffice_for_notices_say_so(self, connector: Any) -> None:
        """Whoever notifies here lacks nothing: a policy that names such a connection must not be refused."""
        assert connector.settings.notices_lack() == ()

    async def _write(self, connector: Any, what: Any) -> Any:
        return await connector.notify(what)

    async def _settle(self, connector: Any, what: Any) -> Any:
        return await connector.settle_notice(what)
