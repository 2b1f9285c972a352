"""Which month a page is about: the one that is asked for, if there are rules for it."""

from __future__ import annotations

from api.errors import NotFound
from api.page import Page
from ccm_link.calendar_month import Month
from ccm_link.rules import NoRules, rules_for

AHEAD = 12  # months that can be looked into


def chosen_month(page: Page, asked: str) -> Month:
    """Unasked the one that runs.

    Raises:
        NotFound: it is no month, too far ahead, or there are no rules for it.
    """
    try:
        chosen = Month.parse(asked) if asked else running_month(page)
    except ValueError as wrong:
        raise NotFound from wrong
    if chosen > latest_month(page) or not has_rules(chosen):
        raise NotFound
    return chosen


def running_month(page: Page) -> Month:
    return Month.of(page.now.astimezone(page.viewer.zone).date())


def latest_month(page: Page) -> Month:
    return Month(running_month(page) + AHEAD)


def has_rules(month: Month) -> bool:
    try:
        rules_for(month)
    except NoRules:
        return False
    return True
