"""Where people reach the console is said once; a request's own word for it is not believed then."""

from __future__ import annotations

from pydantic import SecretStr

from api.service import create_app
from api.settings import Settings
from tests.api.conftest import PASSWORD, open_browser

PUBLIC = "https://care.example.org"


async def test_links_and_origins_follow_the_setting(database, north, clock):
    settings = Settings.model_validate(
        {
            "HEARTHLINE_DATABASE_URL": SecretStr(database.urls["hl_api"]),
            "secure_cookies": False,
            "public_url": PUBLIC,
        }
    )
    app = create_app(settings, clock=clock)
    async with app.router.lifespan_context(app), open_browser(app) as admin:
        await admin.sign_in(north.email("admin"))
        admin.client.headers["host"] = "evil.example"
        who = {"name": "Demo New", "email": "new@north.example", "role": "nurse"}
        made = await admin.post("/staff/invitations", **who)
        assert f"{PUBLIC}/join/" in made.text
        assert "evil.example" not in made.text
        admin.client.headers["origin"] = "https://evil.example"
        assert (await admin.post("/staff/invitations", **who)).status_code == 403
        admin.client.headers["origin"] = PUBLIC
        assert (await admin.post("/staff/invitations", **who)).status_code == 200
        assert (await admin.sign_in(north.email("admin"), PASSWORD)).status_code == 303
