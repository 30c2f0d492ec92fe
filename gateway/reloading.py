"""Reload: both files are read and checked anew; a valid pair is swapped in as a whole, an invalid one changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from gateway.config import changes, needs_restart
from gateway.loading import Setup, load_setup
from gateway.store.values import Unrenamed
from gateway.toml import Problems

if TYPE_CHECKING:
    from gateway.host.registry import Specs
    from gateway.host.supervisor import Supervisor
    from gateway.pipeline import Pipeline
    from gateway.store import Store
    from gateway.telemetry.meters import Meters
    from gateway.telemetry.redaction import Redaction

_log: Final = structlog.stdlib.get_logger("gateway.app")


class Reloading:
    """Holds the snapshot that the gateway runs by, and changes it."""

    def __init__(
        self,
        setup: Setup,
        *,
        path: Path,
        specs: Specs,
        environ: Mapping[str, str],
        redaction: Redaction,
        meters: Meters,
        now: Callable[[], int],
    ) -> None:
        """Begin with a snapshot; `path` is where the next one is read from."""
        self.setup = setup
        self._path = path
        self._specs = specs
        self._environ = environ
        self._redaction = redaction
        self._meters = meters
        self._now = now
        self._one_at_a_time = asyncio.Lock()

    def enter(self, store: Store, action: str, actor: str = "baton") -> None:
        """Make the snapshot known to the store: connections, the policy by its hash, a line in the audit."""
        self._enter(self.setup, store, action, actor, ())

    async def reload(self, store: Store, pipeline: Pipeline, supervisor: Supervisor, actor: str) -> Mapping[str, Any]:
        """Swap in what the files say now, and say what differs; or say what is wrong, with nothing changed."""
        async with self._one_at_a_time:
            try:
                new = await asyncio.to_thread(load_setup, self._path, specs=self._specs, environ=self._environ)
            except Problems as wrong:
                problems = [self._redaction.text(str(problem)) for problem in wrong.problems]
                self._meters.reloads.labels("refused").inc()
                _log.error(
                    "the configuration is wrong: nothing was changed", action="reload_refused", problems=problems
                )
                return {"reloaded": False, "problems": problems}
            return await self._swap(new, store, pipeline, supervisor, actor)

    async def _swap(
        self, new: Setup, store: Store, pipeline: Pipeline, supervisor: Supervisor, actor: str
    ) -> Mapping[str, Any]:
        old = self.setup
        told = list(changes(old.config, new.config))
        if new.policy.digest != old.policy.digest:
            told.append(f"the policy is another: {len(new.policy.rules)} rules, {new.policy.digest[:12]}")
        restart = needs_restart(old.config, new.config)
        # What is read once at the start stays as it runs, whatever the file says now.
        config = replace(new.config, **{key: getattr(old.config, key) for key in restart})
        new = replace(new, config=config)
        self._redaction.learn(config.secrets)
        # While the store takes renamings over, cases speak of connections by either name.
        pipeline.swap(replace(old.direction, connections={**new.facts, **old.facts}))
        try:
            remarks = await asyncio.to_thread(self._enter, new, store, "reloaded", actor, told)
        except BaseException:
            pipeline.swap(old.direction)
            raise
        self.setup = new
        # No await between these two: no delivery and no decision sees one half of the change.
        pipeline.swap(new.direction)
        await supervisor.change(config.running)
        self._meters.reloads.labels("done").inc()
        _log.info("the configuration was read again", action="reloaded", changes=told, needs_restart=list(restart))
        faults = [str(fault) for fault in new.faults]
        return {
            "reloaded": True,
            "changes": told,
            "needs_restart": list(restart),
            "faults": faults,
            "remarks": remarks,
        }

    def _enter(self, setup: Setup, store: Store, action: str, actor: str, told: Any) -> list[str]:
        now = self._now()
        earlier = {each.name: each.renamed_from for each in setup.config.connections.values()}
        remarks = [unrenamed(name, earlier[name] or "", why) for name, why in sorted(store.register(earlier).items())]
        for remark in remarks:
            _log.warning(remark, action="renamed_from_idle")
        store.save_policy(setup.policy.digest, setup.policy.source, now)
        detail = {"policy": setup.policy.digest, "changes": list(told)}
        store.audit(actor, action, f"config:{setup.config.digest}", detail, now)
        return remarks


def unrenamed(name: str, earlier: str, why: Unrenamed) -> str:
    """Return a sentence on a `renamed_from` that changed nothing."""
    begin = f'renamed_from = "{earlier}" of connection {name} has no effect'
    match why:
        case Unrenamed.BOTH:
            return f"{begin}: both are known, each with a history of its own"
        case Unrenamed.BEFORE:
            return f"{begin} any more: it was renamed before, or is no new connection; take the line out"
        case _:
            return f"{begin}: no connection was ever called so, and {name} begins without a history"
