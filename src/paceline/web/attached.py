"""The files that go along with a draft, as they come with its page's form."""

from __future__ import annotations

from starlette.datastructures import FormData, UploadFile

from paceline.domain.bounds import MAX_ATTACHED_OCTETS, MAX_ATTACHMENT_OCTETS, MAX_ATTACHMENTS
from paceline.domain.recipients import shown
from paceline.errors import InvalidInput
from paceline.persistence.stores.drafts import DraftRecord
from paceline.services.attachments import NewAttachment
from paceline.web.drafting import chunks_of, saving_of
from paceline.web.forms import Problems
from paceline.web.parts import Parts

ATTACHED = "attached"  # the form's field
BOUNDS = (
    f"At most {MAX_ATTACHMENTS} files of {MAX_ATTACHMENT_OCTETS >> 20} MB,"
    f" {MAX_ATTACHED_OCTETS >> 20} MB in all; each email carries them"
)


async def attach_posted(
    parts: Parts, draft: DraftRecord, posted: FormData, problems: Problems
) -> DraftRecord:
    """Keep the files that came along; each that cannot be is named in `problems`.

    Raises `Outdated` and `Conflict` as `Drafts.save` does.
    """
    files = [file for file in posted.getlist(ATTACHED) if isinstance(file, UploadFile)]
    named = [(file.filename, file) for file in files if file.filename]
    refused = []
    for name, file in named:
        new = NewAttachment(file_name=name, content_type=file.content_type or "")
        try:
            await parts.draft_files.add(
                draft.owner_id, draft.id, new, chunks_of(file), saving_of(posted)
            )
        except InvalidInput as error:
            why = "; ".join(problem.message for problem in error.problems)
            refused.append(f"“{shown(name)}” was not attached: it {why}.")
    if refused:
        problems.add(ATTACHED, " ".join(refused))
    return await parts.drafts.get(draft.owner_id, draft.id) if named else draft
