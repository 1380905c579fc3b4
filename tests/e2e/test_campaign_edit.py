"""A campaign is edited before its launch: what stands there is seen as a recipient will read it."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Browser, Page, expect

from paceline.services.campaigns import NewCampaign
from paceline.services.inline_recipients import RawRecipient
from tests.e2e.running import System, still_page
from tests.e2e.usable import assert_usable
from tests.e2e.writing import choose_format, editor_of, write


@pytest.fixture(scope="module")
def campaign_id(system: System) -> uuid.UUID:
    sender = system.sender("Campaign edit", "campaign-edit@northwind.example")
    people = [RawRecipient(email=f"{name}@example.org", name=name) for name in ("Ada", "Alan")]
    new = NewCampaign(
        sender_id=sender.id, subject="For {{ name }}", html="<p>Dear</p>", recipients=people
    )
    return system.run(system.cases.campaigns.create(system.owner_id, new)).campaign.id


def test_the_preview_follows_what_is_typed_and_whom_one_picks(
    page: Page, campaign_id: uuid.UUID
) -> None:
    page.goto(f"/campaigns/{campaign_id}/edit")
    shown = page.frame_locator("#preview-frames iframe").last
    expect(shown.locator("body")).to_contain_text("For Ada")
    write(page, " reader")
    expect(shown.locator("body")).to_contain_text("Dear reader")
    page.get_by_label("Preview as the recipient").fill("alan@")
    expect(page.locator("#preview-as")).to_have_text("as Alan")
    expect(shown.locator("body")).to_contain_text("For Alan")
    choose_format(page, "HTML source")
    page.get_by_label("Subject").fill("To {{ name }}")
    expect(shown.locator("body")).to_contain_text("To Alan")
    page.reload()
    expect(editor_of(page)).to_have_text("Dear")
    expect(shown.locator("body")).to_contain_text("For Ada")


def test_it_can_be_read_and_used_by_everybody(
    system: System,
    chromium: Browser,
    signed_in_state: dict[str, object],
    axe: str,
    campaign_id: uuid.UUID,
) -> None:
    with still_page(chromium, system.url, storage_state=signed_in_state) as page:
        page.goto(f"/campaigns/{campaign_id}/edit")
        shown = page.frame_locator("#preview-frames iframe").last
        expect(shown.locator("body")).to_contain_text("For Ada")
        editor_of(page)
        assert_usable(page, axe)
