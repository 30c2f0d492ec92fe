"""The sandbox's routes for records of any kind, and for what they are associated with."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from connectors.hubspot.sandbox_state import TYPES, HubSpotRefusal, Portal, Source, shown


class Records:
    """Answers requests about records; what is written is written by the app."""

    def __init__(self, portal: Portal, ours: Source) -> None:
        """Take the account, and who the app is to it."""
        self._portal = portal
        self._ours = ours

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one record."""
        by = request.query.get("idProperty", "")
        record = self._portal.find(request.match_info["kind"], request.match_info["id"], by)
        return web.json_response(shown(record, request.query.getall("properties", [])))

    async def create(self, request: web.Request) -> web.Response:
        """Make a record with its associations."""
        given, kind = await request.json(), request.match_info["kind"]
        links: list[tuple[str, str]] = []
        for each in given.get("associations") or []:
            own, other = TYPES.get(each["types"][0]["associationTypeId"], ("", ""))
            if own != kind:
                raise HubSpotRefusal(400, "VALIDATION_ERROR", "The association type is not valid between these objects")
            links.append((other, str(each["to"]["id"])))
        record = self._portal.create(kind, given["properties"], self._ours, links)
        return web.json_response(shown(record, record.properties), status=201)

    async def update(self, request: web.Request) -> web.Response:
        """Change a record."""
        by = request.query.get("idProperty", "")
        record = self._portal.find(request.match_info["kind"], request.match_info["id"], by)
        self._portal.update(record, (await request.json())["properties"], self._ours)
        return web.json_response(shown(record, record.properties))

    async def upsert(self, request: web.Request) -> web.Response:
        """Make or change records by a unique property."""
        kind, results = request.match_info["kind"], list[dict[str, Any]]()
        for each in (await request.json())["inputs"]:
            new = False
            try:
                record = self._portal.find(kind, each["id"], each["idProperty"])
            except HubSpotRefusal as refusal:
                if refusal.status != 404:
                    raise
                given = {**each["properties"], each["idProperty"]: each["id"]}
                record, new = self._portal.create(kind, given, self._ours), True
            else:
                self._portal.update(record, each["properties"], self._ours)
            results.append({**shown(record, record.properties), "new": new})
        return web.json_response({"status": "COMPLETE", "results": results})

    async def read(self, request: web.Request) -> web.Response:
        """Answer with many records; what is gone makes it a 207."""
        given, kind = await request.json(), request.match_info["kind"]
        history = given.get("propertiesWithHistory") or []
        if len(given["inputs"]) > (50 if history else 100):
            raise HubSpotRefusal(400, "VALIDATION_ERROR", "Too many inputs")
        records, missing = list[dict[str, Any]](), 0
        for each in given["inputs"]:
            try:
                record = self._portal.find(kind, str(each["id"]))
            except HubSpotRefusal:
                missing += 1
            else:
                records.append(shown(record, given.get("properties") or [], history))
        return web.json_response({"status": "COMPLETE", "results": records}, status=207 if missing else 200)

    async def search(self, request: web.Request) -> web.Response:
        """Answer with a page of what the index knows."""
        given = await request.json()
        records, total = self._portal.search(request.match_info["kind"], given)
        end = int(given.get("after") or 0) + len(records)
        results = [shown(record, given.get("properties") or []) for _, record in records]
        for result, (changed_at, _) in zip(results, records, strict=True):
            if "hs_lastmodifieddate" in result["properties"]:
                result["properties"]["hs_lastmodifieddate"] = changed_at
        answer: dict[str, Any] = {"total": total, "results": results}
        if end < total:
            answer["paging"] = {"next": {"after": str(end)}}
        return web.json_response(answer)

    async def associate(self, request: web.Request) -> web.Response:
        """Associate records by the default type."""
        kind, other = request.match_info["kind"], request.match_info["other"]
        for each in (await request.json())["inputs"]:
            own, to = self._portal.find(kind, str(each["from"]["id"])), self._portal.find(other, str(each["to"]["id"]))
            self._portal.link(kind, own.id, other, to.id)
        return web.json_response({"status": "COMPLETE", "results": []})

    async def associations(self, request: web.Request) -> web.Response:
        """Answer with associations, 500 a page."""
        kind, other = request.match_info["kind"], request.match_info["other"]
        results: list[dict[str, Any]] = []
        for each in (await request.json())["inputs"]:
            own, start = str(each["id"]), int(each.get("after") or 0)
            ids = self._portal.linked(kind, own, other)
            result: dict[str, Any] = {
                "from": {"id": own},
                "to": [{"toObjectId": int(to), "associationTypes": []} for to in ids[start : start + 500]],
            }
            if start + 500 < len(ids):
                result["paging"] = {"next": {"after": str(start + 500)}}
            if ids:
                results.append(result)
        return web.json_response({"status": "COMPLETE", "results": results})
