"""Which files go along with what is written, and what the note says of the others: nobody looks for what is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.model import Entry, File, Handoff, altered


def shown_entries(handoff: Handoff) -> tuple[Entry, ...]:
    """Return the lines that a handoff's note shows: an adopted ticket has its own conversation, and its files, already."""
    transcript = handoff.packet.transcript if handoff.packet is not None and not handoff.adopted else ()
    return (*transcript, *handoff.entries)


def choose_files(
    entries: Iterable[Entry], *, where: str, largest: int, most: int | None = None, together: int | None = None
) -> tuple[list[File], dict[str, str]]:
    """Return the files to carry, each once, and why the others stay behind, by their hash.

    `where` is the vendor's name, `largest` the most bytes of one file, `most` how many files, `together` the most bytes of all.
    """
    chosen: dict[str, File] = {}
    left: dict[str, str] = {}
    room = together
    for file in (file for entry in entries for file in entry.files if file.sha256):
        size = file.size or 0
        if file.sha256 in left or file.sha256 in chosen:
            continue
        if size > largest or (together is not None and size > together):
            left[file.sha256] = f"too large for {where}"
        elif (room is not None and size > room) or len(chosen) == most:
            left[file.sha256] = "too many for one message"
        else:
            chosen[file.sha256] = file
            room = None if room is None else room - size
    return list(chosen.values()), left


def leave_files(handoff: Handoff, left: Mapping[str, str]) -> Handoff:
    """Return the handoff with its note saying which files stay behind, and why; `left` has the reasons by the files' hashes."""
    if not left:
        return handoff
    packet = handoff.packet
    if packet is not None:
        packet = altered(packet, transcript=tuple(_less(entry, left) for entry in packet.transcript))
    return altered(handoff, packet=packet, entries=tuple(_less(entry, left) for entry in handoff.entries))


def _less(entry: Entry, left: Mapping[str, str]) -> Entry:
    files = (altered(each, sha256="", note=left[each.sha256]) if each.sha256 in left else each for each in entry.files)
    return altered(entry, files=tuple(files))
