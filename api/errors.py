"""What a page can answer with instead of its content.

    PageError
    ├── NotSignedIn   no session, or one that ended: sign in, then come back to the page
    ├── NoClinic      signed in, but no clinic is chosen
    ├── Forbidden     signed in, and this is not for that role
    ├── NotFound      nothing of that key in this clinic (another clinic's looks the same)
    ├── BadForm       the form's token is missing or old, or it came from another site
    └── Conflict      somebody else was first; the message says who and what to do

`api/problems.py` turns each into a page. Everything else is a bug and becomes the plain 500 page.
"""

from __future__ import annotations


class PageError(Exception):
    """The root of this package's errors."""


class NotSignedIn(PageError):
    """There is no session, or it ended."""


class NoClinic(PageError):
    """No clinic is chosen."""


class Forbidden(PageError):
    """Not for this role."""


class NotFound(PageError):
    """Nothing of that key here."""


class BadForm(PageError):
    """The form cannot be trusted."""


class Conflict(PageError):
    """The world has moved on; `str()` says how, for the person who acts."""
