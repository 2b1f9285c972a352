"""One task: the readings against their limits, what is known, what to do, and the act that ends it.

Claim → the timer runs → checklist, calls → outcome: note, time and alert in one act.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response

from alerts.outcomes import ALL_LABELS, LABELS
from api import task_view, times, words
from api.care import actor_of, careful
from api.errors import NotFound
from api.page import CarePage, Page
from ccm_link import answers, work
from ccm_link import errors as care
from ccm_link.acting import choice_for
from ccm_link.activities import ACTIVITIES, Activity
from ccm_link.codes import Programme
from ccm_link.ledger import Preview, StoppedBy
from ccm_link.programmes import ENROLLABLE
from store import worklist
from store.tenancy import clinic_session

router = APIRouter()

Text = Annotated[str, Form()]
SNOOZES = ((60, "1 hour"), (240, "4 hours"), (720, "12 hours"), (1440, "1 day"), (4320, "3 days"))
FARTHEST = timedelta(days=366)  # that a follow-up is planned ahead
LONGEST_NOTE = 4000  # characters
_FIELDS = ("outcome", "note", "programme", "activity", "interactive", "follow_up")


@router.get("/alerts/{alert_id}")
async def of_alert(page: CarePage, alert_id: UUID) -> Response:
    detail = await worklist.alert_detail(page.conn, page.clinic, alert_id)
    if detail is None:
        raise NotFound
    return page.to(f"/tasks/{detail['task']['task_id']}")


@router.get("/tasks/{task_id}")
async def task(page: CarePage, task_id: UUID) -> Response:
    return await _page(page, task_id)


@router.post("/tasks/{task_id}/claim")
async def claim(page: CarePage, task_id: UUID) -> Response:
    try:
        with careful(care.AlreadyTaken, care.AlreadyDone):
            taken = await work.claim(page.conn, page.clinic, actor_of(page), task_id, now=page.now)
    except (care.AlreadyTaken, care.AlreadyDone) as beaten:
        return page.to(f"/tasks/{task_id}", flash=_beaten(page, beaten), kind="warning")
    told = "It is yours; the timer runs."
    if taken.paused:
        told += f" Your other timer is paused at {times.duration(taken.paused.seconds)}."
    return page.to(f"/tasks/{task_id}", flash=told)


@router.post("/tasks/{task_id}/pause")
async def pause(page: CarePage, task_id: UUID) -> Response:
    with careful():
        await work.pause(page.conn, page.clinic, actor_of(page), task_id, now=page.now)
    return page.to(f"/tasks/{task_id}", flash="The timer is paused. The task stays yours.")


@router.post("/tasks/{task_id}/release")
async def release(page: CarePage, task_id: UUID) -> Response:
    with careful():
        await work.release(page.conn, page.clinic, actor_of(page), task_id, now=page.now)
    return page.to("/queue", flash="It is back in the queue. Your time waits for confirmation.")


@router.post("/tasks/{task_id}/take-over")
async def take_over(page: CarePage, task_id: UUID, reason: Text = "") -> Response:
    try:
        with careful(care.Undocumented):
            await work.take_over(
                page.conn, page.clinic, actor_of(page), task_id, reason=reason, now=page.now
            )
    except care.Undocumented:
        said = "Say why you take it over: your colleague will read it."
        return await _page(page, task_id, problems={"reason": said}, status=422)
    return page.to(f"/tasks/{task_id}", flash="It is yours now; your timer runs.")


@router.post("/tasks/{task_id}/snooze")
async def snooze(
    page: CarePage, task_id: UUID, minutes: Annotated[int, Form()], reason: Text = ""
) -> Response:
    if minutes not in dict(SNOOZES):
        said = "Choose how long"
        return await _page(page, task_id, problems={"minutes": said}, status=422)
    until = page.now + timedelta(minutes=minutes)
    try:
        with careful(care.Undocumented):
            await work.snooze(
                page.conn, page.clinic, actor_of(page), task_id, until, reason, now=page.now
            )
    except care.Undocumented:
        said = "Say why it can wait"
        return await _page(page, task_id, problems={"snooze_reason": said}, status=422)
    back = times.short(until, page.viewer.zone)
    return page.to("/queue", flash=f"Snoozed until {back}. It comes back at once if it gets worse.")


@router.post("/tasks/{task_id}/unsnooze")
async def unsnooze(page: CarePage, task_id: UUID) -> Response:
    with careful():
        await answers.unsnooze(page.conn, page.clinic, actor_of(page), task_id, now=page.now)
    return page.to(f"/tasks/{task_id}", flash="It is back in the queue.")


@router.post("/tasks/{task_id}/checklist")
async def tick(page: CarePage, task_id: UUID, step: Text = "", done: Text = "") -> Response:
    protocol = task_view.steps((await _detail(page, task_id))["task"], page.now)
    if step not in {known.id for known in protocol}:
        raise NotFound
    with careful():
        await work.tick(
            page.conn, page.clinic, actor_of(page), task_id, step, done == "yes", now=page.now
        )
    if page.is_fragment:
        detail = await _detail(page, task_id)
        steps = task_view.steps(detail["task"], page.now)
        return page.fragment("task/checklist.html", task=detail["task"], steps=steps, can_tick=True)
    return page.to(f"/tasks/{task_id}#checklist")


@router.post("/tasks/{task_id}/contacts")
async def log_contact(
    page: CarePage, task_id: UUID, channel: Text = "", reached: Text = "", note: Text = ""
) -> Response:
    with careful():
        await work.log_contact(
            page.conn,
            page.clinic,
            actor_of(page),
            task_id,
            channel=channel,
            reached=reached == "yes",
            note=note,
            now=page.now,
        )
    return page.to(f"/tasks/{task_id}#contacts", flash="The contact is recorded.")


@router.get("/tasks/{task_id}/preview")
async def preview(
    page: CarePage, task_id: UUID, programme: str, activity: str = Activity.ALERT_REVIEW
) -> Response:
    if programme not in set(Programme) or activity not in set(Activity):
        raise NotFound
    found = await _preview(page, task_id, Programme(programme), activity)
    return page.fragment("task/preview.html", preview=found)


@router.post("/tasks/{task_id}/resolve")
async def resolve(  # noqa: PLR0913, PLR0917 -- the form
    page: CarePage,
    task_id: UUID,
    programme: Text = "",
    outcome: Text = "",
    note: Text = "",
    activity: Text = Activity.ALERT_REVIEW,
    interactive: Text = "",
    follow_up: Text = "",
) -> Response:
    typed = dict(
        zip(_FIELDS, (outcome, note, programme, activity, interactive, follow_up), strict=True)
    )
    problems = _problems(page, typed)
    if problems:
        return await _page(page, task_id, problems=problems, typed=typed, status=422)
    try:
        with careful(care.AlreadyTaken, care.AlreadyDone, care.NotYours):
            done = await work.resolve(
                page.conn,
                page.clinic,
                actor_of(page),
                task_id,
                outcome=outcome,
                note=note,
                programme=programme,
                activity=activity,
                interactive=interactive == "yes",
                follow_up=date.fromisoformat(follow_up) if follow_up else None,
                now=page.now,
            )
    except (care.AlreadyTaken, care.AlreadyDone, care.NotYours):
        return await _page(page, task_id, unsaved=note, status=409)
    saved = times.minutes(done.seconds)
    told = f"Resolved. {saved} saved to {done.programme}." if done.seconds else "Resolved."
    return page.to(f"/tasks/{task_id}", flash=told)


@router.post("/tasks/{task_id}/undo")
async def undo(page: CarePage, task_id: UUID) -> Response:
    with careful():
        await work.undo_resolve(page.conn, page.clinic, actor_of(page), task_id, now=page.now)
    return page.to(f"/tasks/{task_id}", flash="It is open again, and yours. Its time waits again.")


@router.post("/tasks/{task_id}/confirm")
async def confirm_patient(page: CarePage, task_id: UUID) -> Response:
    """The answer to "whose reading is it?": this patient's. The alert goes on as one."""
    with careful():
        await answers.confirm_patient(page.conn, page.clinic, actor_of(page), task_id, now=page.now)
    return page.to(f"/tasks/{task_id}", flash="Confirmed as this patient's. Now deal with it.")


@router.post("/tasks/{task_id}/reviewed")
async def reviewed(page: CarePage, task_id: UUID, note: Text = "") -> Response:
    """After a re-assignment: somebody has looked again at the alert and its time."""
    try:
        with careful(care.Undocumented):
            await answers.looked_again(
                page.conn, page.clinic, actor_of(page), task_id, note=note, now=page.now
            )
    except care.Undocumented:
        said = "Say what you found"
        return await _page(page, task_id, problems={"review_note": said}, status=422)
    return page.to(f"/tasks/{task_id}", flash="Looked at again. What stands, stands.")


def _problems(page: Page, typed: dict[str, str]) -> dict[str, str]:
    problems = {}
    if typed["outcome"] not in set(LABELS):
        problems["outcome"] = "Choose how it ended"
    if not typed["note"].strip():
        problems["note"] = "Write what was done: only documented time counts"
    elif len(typed["note"]) > LONGEST_NOTE:
        problems["note"] = f"Use at most {LONGEST_NOTE} characters"
    if typed["programme"] not in set(ENROLLABLE):
        problems["programme"] = "Choose where the time goes"
    if typed["activity"] not in set(Activity):
        problems["activity"] = "Choose what the time was spent on"
    if typed["follow_up"] and not _is_ahead(page, typed["follow_up"]):
        problems["follow_up"] = "Choose a day from today on, within a year"
    return problems


def _is_ahead(page: Page, typed: str) -> bool:
    today = page.now.astimezone(page.viewer.zone).date()
    try:
        return today <= date.fromisoformat(typed) <= today + FARTHEST
    except ValueError:
        return False


def _beaten(page: Page, beaten: care.AlreadyTaken | care.AlreadyDone) -> str:
    verb = "has had it since" if isinstance(beaten, care.AlreadyTaken) else "closed it at"
    return f"{beaten.by_name} {verb} {times.short(beaten.at, page.viewer.zone)}."


async def _detail(page: Page, task_id: UUID) -> dict[str, Any]:
    detail = await worklist.task_detail(page.conn, page.clinic, task_id)
    if detail is None:
        raise NotFound
    return detail


async def _preview(
    page: Page, task_id: UUID, programme: Programme, activity: str = Activity.ALERT_REVIEW
) -> Preview:
    with careful():
        return await work.preview(
            page.conn,
            page.clinic,
            actor_of(page),
            task_id,
            programme,
            activity=activity,
            now=page.now,
        )


async def _choice(page: Page, patient: UUID) -> Programme:
    async with clinic_session(page.conn, page.clinic, staff=page.viewer.staff_id):
        return (await choice_for(page.conn, page.clinic, patient, page.now)).programme


async def _page(
    page: Page,
    task_id: UUID,
    *,
    problems: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    unsaved: str = "",
    status: int = 200,
) -> Response:
    """`unsaved`: a note that came too late; it is handed back, not lost."""
    detail = await _detail(page, task_id)
    head, viewer = detail["task"], page.viewer
    typed = typed or dict.fromkeys(_FIELDS, "")
    mine = head["assignee"] == viewer.staff_id and head["task_state"] == "claimed"
    asked = typed["programme"] or await _choice(page, head["patient_id"])
    chosen = Programme(asked) if asked in set(ENROLLABLE) else ENROLLABLE[0]
    await page.audit("chart.read", head["patient_id"], task=str(task_id))
    lineage = head["lineage"] or ""
    return await page.html(
        "task/task.html",
        status=status,
        task=head,
        detail=detail,
        patient=detail["patient"],
        name=words.name_of(detail["patient"]),
        age=words.age(detail["patient"]["birth_date"], page.now.astimezone(viewer.zone).date()),
        kind=words.kind_of(head["lineage"]),
        evidence=task_view.evidence(detail["findings"], lineage, viewer),
        chart=task_view.chart(detail, viewer, page.now),
        steps=task_view.steps(head, page.now),
        happenings=task_view.happenings(detail["events"]),
        enrolled={row["programme"] for row in detail["programmes"] if _stands(row, page)},
        mine=mine,
        can_tick=mine,
        timer=_timer(detail["entries"], page),
        preview=await _preview(page, task_id, chosen) if mine else None,
        chosen=str(chosen),
        typed=typed,
        problems=problems or {},
        unsaved=unsaved,
        outcomes=[(str(k), v) for k, v in LABELS.items()],
        outcome_labels={str(k): v for k, v in ALL_LABELS.items()},
        activities=[
            (str(k), v.label if v.countable else f"{v.label} (never counts)")
            for k, v in ACTIVITIES.items()
        ],
        activity=typed["activity"] or str(Activity.ALERT_REVIEW),
        programmes=[str(p) for p in ENROLLABLE],
        snoozes=SNOOZES,
        channels=task_view.CHANNELS,
        kinds=words.KINDS,
        can_undo=_can_undo(head, page),
        today=page.now.astimezone(viewer.zone).date(),
    )


def _stands(row: dict[str, Any], page: Page) -> bool:
    today = page.now.astimezone(page.viewer.zone).date()
    return bool(row["starts_on"] <= today and (row["ends_on"] is None or today < row["ends_on"]))


def _can_undo(head: dict[str, Any], page: Page) -> bool:
    if head["task_state"] != "done" or head["done_by"] != page.viewer.staff_id:
        return False
    return bool(page.now <= head["done_at"] + timedelta(seconds=work.UNDO_S))


def _timer(entries: list[dict[str, Any]], page: Page) -> dict[str, Any] | None:
    """The viewer's own running entry of this task; what waits beside it in seconds."""
    own = [e for e in entries if e["staff_id"] == page.viewer.staff_id and e["status"] == "active"]
    waiting = sum(
        (e["ended_at"] - e["started_at"]).total_seconds() for e in own if e["state"] == "stopped"
    )
    for entry in own:
        if entry["state"] == "running" and page.now <= entry["lease_until"]:
            seconds = (page.now - entry["started_at"]).total_seconds()
            return {"id": entry["id"], "seconds": seconds, "waiting": waiting, "why": ""}
    return {"id": None, "seconds": 0, "waiting": waiting, "why": _why(own)} if waiting else None


def _why(entries: list[dict[str, Any]]) -> str:
    if any(entry["stopped_by"] == StoppedBy.ABANDONED for entry in entries):
        return "Ended by itself at your last activity"
    return "Paused"
