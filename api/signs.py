"""Signs that lead to what to do, and those of a gateway's disk. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from store.homes import Gateway

LOW_DISK_MB = 200
_DISK = {
    "full": "Its disk is full",
    "read_only": "Its disk takes no writes",
    "unwritable": "Its folder cannot be written",
    "failing": "Its disk answers with errors",
    "corrupt": "Its store of readings is damaged",
}
_ADAPTER = {
    "off": "Its Bluetooth is switched off",
    "blocked": "Its Bluetooth is blocked",
    "absent": "It has no Bluetooth adapter",
    "gone": "Its Bluetooth service does not run",
    "stuck": "Its Bluetooth hears nothing",
}
_DISK_ADVICE = (
    "It visits no device until that is over: the devices keep their readings."
    " See the gateway guide, “The disk”."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """`tone`: good, notice or warning; `word` names the state, `advice` what to do about it."""

    tone: str
    word: str
    advice: str = ""


def disk_signs(gateway: Gateway) -> list[Sign]:
    """What its store of readings says; nothing of a gateway that tells nothing."""
    spool = gateway.said.spool if gateway.said else None
    if spool is None:
        return []
    signs = []
    if spool.state in _DISK:
        signs.append(Sign(tone="warning", word=_DISK[spool.state], advice=_DISK_ADVICE))
    elif spool.free_mb is not None and spool.free_mb < LOW_DISK_MB:
        word = f"{spool.free_mb} MB left on its disk"
        signs.append(Sign(tone="notice", word=word, advice="Make room before it is full."))
    if spool.unsaved:
        advice = "They are lost if the box loses its power before its disk takes them."
        word = f"{spool.unsaved} readings are in its memory only"
        signs.append(Sign(tone="warning", word=word, advice=advice))
    if spool.set_aside:
        advice = "They are kept on its disk. See the gateway guide, “The disk”."
        word = f"{spool.set_aside} damaged files are kept"
        signs.append(Sign(tone="notice", word=word, advice=advice))
    return signs


def radio_signs(gateway: Gateway) -> list[Sign]:
    """What keeps the box from hearing any device."""
    word = _ADAPTER.get((gateway.said.adapter if gateway.said else None) or "")
    advice = "Unplug the box, wait a minute, plug it in again. Else: hearthline gateway doctor."
    return [Sign(tone="warning", word=word, advice=advice)] if word else []
