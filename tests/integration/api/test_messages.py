"""What is said about a message before its launch, over HTTP."""

from __future__ import annotations

from tests.integration.api.conftest import Client

CSV = {"Content-Type": "text/csv"}


async def test_tags_are_told_by_the_columns_of_the_list_and_images_by_what_is_attached(
    ann: Client,
) -> None:
    draft = await ann.campaign(subject="Hi", html='<p>$plan <img src="cid:a.png"></p>')
    path = f"/campaigns/{draft['id']}"
    assert draft["notes"] == []
    report = (
        await ann.post(f"{path}/recipients", content=b"email,plan\na@x.org,A\n", headers=CSV)
    ).json()
    (note,) = report["notes"]
    assert note.startswith("html, line 1: “$plan” ")
    assert "write {{ plan }}" in note
    assert (await ann.get(path)).json()["notes"] == [note]
    (same, image) = (await ann.post(f"{path}/launch")).json()["notes"]
    assert same == note
    assert "“cid:a.png” leads to no image" in image


async def test_a_draft_tells_what_is_likely_to_be_wrong_until_it_is_mended(ann: Client) -> None:
    draft = await ann.campaign(
        subject="Hi %FIRSTNAME%", text="a", recipients=[{"email": "a@x.org"}]
    )
    path = f"/campaigns/{draft['id']}"
    (note,) = draft["notes"]
    assert note.startswith("subject, line 1: “%FIRSTNAME%” looks like a field of ActiveCampaign")
    assert (await ann.get(path)).json()["notes"] == [note]
    mended = (await ann.patch(path, json={"text": "Hi [[name]]"})).json()
    assert mended["notes"][1:] != []
    launched = (await ann.post(f"{path}/launch")).json()
    assert (launched["state"], launched["notes"]) == ("active", mended["notes"])
    assert (await ann.get(path)).json()["notes"] == []


async def test_tags_of_other_programs_are_refused_all_at_once(ann: Client) -> None:
    sender = (await ann.get("/senders")).json()["items"] or [await ann.sender()]
    answer = await ann.post(
        "/campaigns",
        json={
            "sender_id": sender[0]["id"],
            "subject": "Hi {{ First Name }}",
            "html": "<p>\n{{#if a}}</p><p>&lt;b&gt; *|FNAME|*</p>",
        },
    )
    assert answer.status_code == 422
    said = [f"{e['field']}: {e['message']}" for e in answer.json()["errors"]]
    assert said[:2] == [
        "subject: line 1: “{{ First Name }}” is no merge field, which is one word: "
        "write {{ first_name }}",
        "html: line 2: “{{#if a}}” is Handlebars: write {% if a %} … {% endif %}",
    ]
    assert [line.partition("”")[0] for line in said[2:]] == [
        "html: line 2: “*|FNAME|*",
        "html: line 2: “<b>",
    ]


async def test_each_rows_subject_is_made_at_the_import(ann: Client) -> None:
    draft = await ann.campaign(subject="News for {{ company }}", text="{{ nick | default('you') }}")
    path = f"/campaigns/{draft['id']}"
    report = (
        await ann.post(
            f"{path}/recipients",
            content=(
                b'email,company\na@x.org,"Analytical\nEngines"\nb@x.org,"Tab\tbed"\n'
                b"c@x.org,=?utf-8?q?a=0D=0ABcc:_v@x.org?=\nd@x.org,Navy\n"
            ),
            headers=CSV,
        )
    ).json()
    assert (report["rows"], report["accepted"]) == (4, 3)
    (refused,) = report["invalid"]
    assert (refused["line"], refused["value"]) == (5, "c@x.org")
    assert "the subject: contains an encoded word" in refused["reason"]
    assert "no recipient has a value for {{ nick }}" in report["notes"][-1]
    emails = (await ann.get(f"{path}/emails")).json()["items"]
    assert [email["subject"] for email in emails] == [
        "News for Analytical Engines",
        "News for Tab bed",
        "News for Navy",
    ]


async def test_a_body_that_cannot_be_made_is_told_before_the_launch(ann: Client) -> None:
    draft = await ann.campaign(subject="News", text="Over {{ points | int }} points")
    path = f"/campaigns/{draft['id']}"
    table = b"email,points\na@x.org,12\nb@x.org,a dozen\n"
    report = (await ann.post(f"{path}/recipients", content=table, headers=CSV)).json()
    assert (report["rows"], report["accepted"]) == (2, 1)
    assert (report["invalid"][0]["line"], report["invalid"][0]["value"]) == (3, "b@x.org")
    assert report["invalid"][0]["reason"].startswith("text: line 1: ")
    for change in ({"text": "{{ points | round }}"}, {"subject": "{{ points + 1 }}"}):
        refused = await ann.patch(path, json=change)
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        (part,) = change
        assert error["field"] == part
        assert error["message"].startswith(f"cannot be made for a@x.org (line 2): {part}: ")
    changed = await ann.patch(path, json={"text": "{{ points | int + 1 }}"})
    assert changed.status_code == 200


async def test_a_value_that_is_a_list_is_one_mistake(ann: Client) -> None:
    sender = (await ann.sender())["id"]
    given = {"sender_id": sender, "name": "N", "subject": "S", "text": "T"}
    for value in (["a"], {"a": 1}):
        recipient = {"email": "a@x.org", "fields": {"n": None, "p": 1.5, "tags": value}}
        refused = await ann.post("/campaigns", {**given, "recipients": [recipient]})
        assert refused.status_code == 422
        assert refused.json()["errors"] == [
            {
                "field": "recipients[0].fields",
                "message": "“tags” must be text, a number, true or false",
            }
        ]


async def test_an_invitation_keeps_its_method(ann: Client) -> None:
    draft = await ann.campaign()
    calendar = (
        b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    for kind in ("text/calendar; method=REQUEST; charset=utf-8", "application/octet-stream"):
        attached = await ann.post(
            f"/campaigns/{draft['id']}/attachments",
            content=calendar,
            params={"file_name": "invite.ics"},
            headers={"Content-Type": kind},
        )
        assert attached.json()["content_type"] == (
            'text/calendar; charset="utf-8"; method=REQUEST; component=VEVENT'
        )
