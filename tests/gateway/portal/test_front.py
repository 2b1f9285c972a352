"""The ways in as the gateway opens them: a real port, and doing without one that is taken."""

from __future__ import annotations

import socket

import httpx
import pytest

from gateway import pair_socket
from gateway.front import open_front
from gateway.pair_socket import Ask
from gateway.settings import Settings
from vitals.clock import utc_now


def settings_of(folder, **more) -> Settings:
    return Settings(
        clinic="clinic",
        name="home-1",
        mqtt_url="mqtt://127.0.0.1:1",
        spool=folder / "spool.sqlite3",
        **more,
    )


async def asked(settings):
    async with pair_socket.connect(settings.pair_socket_file) as line:
        return await line.ask(Ask(invite=True))


async def test_the_pages_are_where_the_link_leads(tmp_path, desk):
    settings = settings_of(tmp_path, portal_port=0)
    async with open_front(settings, desk, utc_now):
        answer = await asked(settings)
        async with httpx.AsyncClient(follow_redirects=True) as browser:
            invited = await browser.get(answer.invitation)
            assert invited.status_code == 200
            root = answer.invitation.rpartition("/open/")[0]
            page = await browser.post(f"{root}/pin", data={"pin": answer.pin})
            assert "Connect a device to your clinic" in page.text
    assert answer.pin == (tmp_path / "spool.pin").read_text().strip()
    with pytest.raises(pair_socket.NobodyThere):
        await asked(settings)


@pytest.mark.parametrize("trouble", ["port taken", "no pin"])
async def test_without_pages_the_rest_goes_on(tmp_path, desk, trouble):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if trouble == "port taken" else 0
        if trouble == "no pin":
            (tmp_path / "spool.pin").write_text("none\n")
        settings = settings_of(tmp_path, portal_port=port)
        async with open_front(settings, desk, utc_now):
            assert (await asked(settings)).invitation == ""


async def test_no_port_no_pages(tmp_path, desk):
    settings = settings_of(tmp_path)
    async with open_front(settings, desk, utc_now):
        assert (await asked(settings)).pin == ""
    assert not (tmp_path / "spool.pin").exists()


def test_settings_of_the_pages(tmp_path):
    made = settings_of(tmp_path, portal_names="Hearthline.local, box.home")
    assert made.portal_names == {"hearthline.local", "box.home"}
    for wrong in ({"emergency_number": "<script>"}, {"clinic_phone": "call me"}):
        with pytest.raises(ValueError, match="pattern"):
            settings_of(tmp_path, **wrong)
