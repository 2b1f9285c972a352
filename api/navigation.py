"""Where a role can go, and which entry is the current one."""

from __future__ import annotations

from dataclasses import dataclass

from api.auth.viewer import Role

_CARE = frozenset({Role.NURSE, Role.PROVIDER})
_EVERYBODY = frozenset(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the navigation."""

    label: str
    href: str
    icon: str
    current: bool


_ENTRIES: tuple[tuple[str, str, str, frozenset[Role]], ...] = (
    ("Queue", "/queue", "bell", _CARE),
    ("Patients", "/patients", "users", _EVERYBODY),
    ("Month", "/month", "calendar", _EVERYBODY),
    ("Homes & devices", "/homes", "home", _CARE | {Role.ADMIN}),
    ("Quarantine", "/quarantine", "alert-triangle", _CARE | {Role.ADMIN}),
    ("Staff", "/staff", "id", frozenset({Role.ADMIN})),
    ("Settings", "/settings", "settings", frozenset({Role.ADMIN, Role.PROVIDER})),
)

#: Pages that belong to an entry by another name.
_SECTIONS = {
    "/alerts": "/queue",
    "/devices": "/homes",
    "/assignments": "/homes",
    "/unassigned": "/homes",
    "/rules": "/month",
    "/rates": "/month",
}


def entries(role: Role, path: str) -> list[Entry]:
    return [
        Entry(label=label, href=href, icon=icon, current=_is_under(path, href))
        for label, href, icon, roles in _ENTRIES
        if role in roles
    ]


def home_of(role: Role) -> str:
    """Where somebody lands after signing in."""
    return {Role.BILLER: "/month", Role.ADMIN: "/homes"}.get(role, "/queue")


def _is_under(path: str, href: str) -> bool:
    section = _SECTIONS.get(f"/{path.split('/')[1]}" if "/" in path else "", path)
    return section == href or section.startswith(f"{href}/")
