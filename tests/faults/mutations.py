"""Planted bugs, each with the scenario that must find it: a check that never fails proves nothing.

A copy of the package is patched as text (a text that is not there stops the run) and a worker runs
from it. Each bug was seen in the field, or is the obvious way to get the protocol wrong.
"""

from __future__ import annotations

import compileall
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path

import paceline
from tests.faults.verdict import Verdict

Edit = tuple[str, str, str]  # file, what stands there, what shall stand there

PACKAGE = Path(paceline.__file__).parent
_NOT_NEEDED = ("web", "devinbox")
_HALF_COMPILED = ("*.pyc.*",)


class NotPlanted(AssertionError):
    """The text to be replaced is no longer there: the mutation must follow the code."""


@dataclass(frozen=True)
class Mutation:
    """One bug. `scenario` is run against it and must say what it `finds`: a worker that does not
    even start would be found by any of them."""

    name: str
    scenario: str
    finds: str
    edits: tuple[Edit, ...]

    def is_found(self, verdict: Verdict) -> bool:
        """Whether the verdict speaks of this bug."""
        return any(self.finds in problem for problem in verdict.problems)


_RESERVES = "        answer: list[Any] = await self._guarded(self._reserve(keys=keys, args=args))\n"


def _bug(name: str, scenario: str, finds: str, *edits: Edit) -> Mutation:
    return Mutation(name, scenario, finds, edits)


_SQL = "persistence/sql"
_CONFIRMS = "confirmed = await self._parts.limits.confirm(granted.reservation)"

MUTATIONS: tuple[Mutation, ...] = (
    _bug(
        "no_lease_guard_before_the_dot",
        "freeze_after_write_ahead_resend",
        "D: ",
        ("sending/handover.py", "if not self.leases.is_ours(attempt):", "if False:"),
    ),
    _bug(
        "a_yes_holds_for_ever",
        "freeze_before_dot_resend",
        "D: ",
        ("delivery/channel.py", "if clock.boottime() > self._leave_by:", "if False:"),
    ),
    _bug(
        "no_fencing_by_the_database",
        "freeze_after_body_hold",
        "D: ",
        ("persistence/ledger.py", "[(attempt.email_id, attempt.number) in ours", "[True"),
        ("engine/locks.py", "renewed_at is not None and", "True or"),  # the lane is asked before
    ),
    _bug(
        "the_yes_to_an_attempt_is_one_to_all_of_its_email",
        "two_attempts_ask_together",
        "D: ",
        (
            "persistence/ledger.py",
            "[(attempt.email_id, attempt.number) in ours",
            "[attempt.email_id in {email_id for email_id, _ in ours}",
        ),
    ),
    _bug(
        "no_write_ahead",
        "kill_after_dot_hold",
        "D: ",
        (
            "sending/handover.py",
            "if not await self._mark_by.set(self.marks.write_ahead.submit(departure)):",
            "if False:",
        ),
    ),
    _bug(
        "retry_after_the_dot",
        "smtp_modes_hold",
        "D: ",
        (
            "delivery/session.py",
            "return verdicts.in_doubt(str(lost), dot_written_at)",
            "return verdicts.lost_before_dot(Phase.BODY, lost)",
        ),
    ),
    _bug(
        "sent_before_the_reply",
        "smtp_modes_hold",
        "L: ",
        (
            "delivery/verdicts.py",
            "kind=Kind.IN_DOUBT,\n        phase=Phase.DOT,\n        reply=None",
            'kind=Kind.SENT,\n        phase=Phase.DOT,\n        reply=Reply(250, None, "Ok")',
        ),
    ),
    _bug(
        "a_lease_never_expires",
        "kill_after_claim_hold",
        "X: ",
        (f"{_SQL}/recover.sql", "lease_until < now()", "lease_until < now() - interval '1 day'"),
    ),
    _bug(
        "an_expired_sending_waits_again",
        "kill_after_dot_hold",
        "D: ",
        (f"{_SQL}/recover.sql", "j.state = 'sending' THEN", "j.state = 'never' THEN"),
    ),
    _bug(
        "hold_is_resent_like_resend",
        "kill_after_reply_hold",
        "D: ",
        (f"{_SQL}/resend_doubtful.sql", "c.doubt_policy = 'resend'", "true"),
    ),
    _bug(
        "no_dot_stuffing",
        "nothing_before_its_time",
        "was taken for a command",
        ("delivery/wire.py", r'return content.replace(b"\n.", b"\n..")', "return content"),
    ),
    _bug(
        "a_bare_lf_on_the_wire",
        "nothing_before_its_time",
        "bare CR or LF",
        (
            "delivery/session.py",
            "dot_stuffed(mail.content)",
            r'dot_stuffed(mail.content).replace(b"\r\nfor ", b"\nfor ")',
        ),
    ),
    _bug(
        "another_message_id_per_attempt",
        "kill_after_body_hold",
        "an email that nobody knows",
        (
            "sending/content.py",
            "message_id=claim.message_id",
            'message_id=claim.message_id.replace("@", f".{claim.attempt.number}@")',
        ),
    ),
    _bug(
        "another_date_per_attempt",
        "smtp_modes_resend",
        " differ",
        ("sending/content.py", "date=claim.dated_at", "date=datetime.now(claim.dated_at.tzinfo)"),
    ),
    _bug(
        "another_return_path_per_attempt",
        "kill_after_body_hold",
        " got it from ",
        (
            "sending/content.py",
            "Envelope(mail_from=sender.from_address",
            'Envelope(mail_from=f"{claim.attempt.number}.{sender.from_address}"',
        ),
    ),
    _bug(
        "the_limiter_does_not_count",
        "limits_and_gaps",
        "an hour sent",
        ("limits/reserve.lua", '"INCRBY", rate_key, granted', '"INCRBY", rate_key, 0'),
    ),
    _bug(
        "what_has_left_is_given_back",
        "limits_and_gaps",
        "an hour sent",
        ("sending/handover.py", "(job.one_at_a_time or not result.left)", "True"),
        ("sending/handover.py", "unused={} if left else {campaign: 1}", "unused={campaign: 1}"),
    ),
    _bug(
        "bookings_are_given_back_twice",
        "limits_and_gaps",
        "an hour sent",
        ("limits/settle.lua", "used - unused", "used - 2 * unused"),
    ),
    _bug(
        "a_thawed_worker_gives_back_what_was_taken_from_it",
        "redis_wiped_while_frozen_after_claim",
        "an hour sent",
        ("limits/settle.lua", "unused > 0 and known[1] == epoch", "unused > 0"),
    ),
    _bug(
        "a_thawed_worker_claims_for_an_old_booking",
        "redis_wiped_while_frozen_before_claim",
        "an hour sent",
        ("sending/claiming.py", _CONFIRMS, "confirmed = True"),
        ("engine/locks.py", "renewed_at is not None and", "True or"),  # the other guard
    ),
    _bug(
        "a_booking_is_believed_though_its_counter_was_rebuilt",
        "counters_lost_before_the_claim",
        "an hour sent",
        ("limits/confirm.lua", '(known[1] or "") ~= ARGV[i] or known[3]', "false"),
    ),
    _bug(
        "what_is_not_confirmed_is_kept",
        "redis_dies_before_the_confirmation",
        "in vain for what was claimed",
        ("sending/claiming.py", "if not confirmed:", "if False:"),
    ),
    _bug(
        "a_restarted_redis_is_believed",
        "redis_remembers_less",
        "an hour sent",
        ("limits/reserve.lua", "if known[1] ~= run then", "if not known[1] then"),
        ("limits/confirm.lua", "known[2] ~= run", "false"),  # the other guard
    ),
    _bug(
        "the_limiter_asks_first_and_counts_later",
        "two_workers_on_one_lane",
        "an hour sent",
        ("limits/reserve.lua", '"INCRBY", rate_key, granted', '"INCRBY", rate_key, 0'),
        (
            "limits/counters.py",
            _RESERVES,
            f"{_RESERVES}"
            "        await asyncio.sleep(0.02)\n"
            "        if answer[0] == 'ok':\n"
            "            await self._redis.incrby(keys[0], sum(answer[3::3]))\n"
            "            for key, granted in zip(keys[2::2], answer[3::3]):\n"
            "                await self._redis.incrby(key, granted)\n",
        ),
    ),
    _bug(
        "the_hour_is_the_workers",
        "wall_clocks_jump",
        "an hour sent",
        ("limits/reserve.lua", "if now < hour_start or now >= hour_end then", "if false then"),
    ),
    _bug(
        "a_rest_ends_by_the_workers_clock",
        "wall_clocks_jump",
        "in vain for what is not limited",
        ("sending/dispatch.py", "view.demands, now=view.now)", "view.demands, now=clock.now())"),
    ),
    _bug(
        "a_lease_is_judged_by_the_wall_clock",
        "freeze_while_the_clock_goes_back_resend",
        "D: ",
        ("clock.py", "return time.clock_gettime(_BOOT_CLOCK)", "return time.time()"),
    ),
    _bug(
        "the_limiter_fails_open",
        "nothing_goes_without_redis",
        "an hour sent",
        (
            "limits/counters.py",
            f"{_RESERVES}"
            "        return answer\n",
            "        try:\n"
            "            return list(await self._guarded(self._reserve(keys=keys, args=args)))\n"
            "        except LimitsUnavailable:\n"
            "            return ['ok', 0, '', *(n for c in campaigns for n in (c.want, 0, ''))]\n",
        ),
    ),
    _bug(
        "wiped_counters_start_at_zero",
        "redis_wiped",
        "an hour sent",
        ("limits/restore.lua", '"SET", rate_key, used', '"SET", rate_key, 0'),
    ),
    _bug(
        "the_minimum_delay_is_not_noted",
        "limits_and_gaps",
        "a gap of ",
        ("limits/settle.lua", 'redis.call("HSET", gap_key, "last_at", now)', "local _ = now"),
    ),
    _bug(
        "lanes_are_made_again_only_at_the_start",
        "redis_wiped",
        "X: ",
        ("engine/keeper.py", "await self._ring_after_a_loss()", "pass"),
        ("engine/keeper.py", "if overdue:", "if False:"),
    ),
    _bug(
        "suppression_is_looked_at_only_at_creation",
        "suppressed_meanwhile",
        "r2 had unsubscribed",
        (f"{_SQL}/claim.sql", "s.address_key = m.address_key", "false"),
    ),
    _bug(
        "a_doubt_is_forgotten_by_what_comes_after_it",
        "unsubscribed_in_doubt",
        "M: ",
        (f"{_SQL}/claim.sql", "may_have_left(p.id)", "false"),
    ),
    _bug(
        "a_query_forgets_its_owner",
        "suppressed_meanwhile",
        "r3 had unsubscribed",
        (f"{_SQL}/claim.sql", "s.owner_id = m.owner_id AND ", ""),
    ),
    _bug(
        "a_server_that_is_away_uses_up_a_try",
        "opening_goes_wrong",
        "were blamed",
        ("sending/consequences.py", "if result.scope is Scope.MESSAGE:", "if True:"),
    ),
    _bug(
        "a_refused_password_is_tried_again_and_again",
        "opening_goes_wrong",
        "535_at_auth: broken 0",
        (
            "domain/replies/by_status.py",
            'rule(Verdict.SENDER_BROKEN, "the log-in was refused", "auth"',
            'rule(Verdict.HOST_BACKOFF, "the log-in was refused", "auth"',
        ),
    ),
    _bug(
        "plain_text_where_tls_is_not_offered",
        "opening_goes_wrong",
        "got it in plain text",
        (
            "delivery/opening.py",
            'raise self._lacking("the server does not offer STARTTLS',
            'return; ("the server does not offer STARTTLS',
        ),
    ),
    _bug(
        "what_was_said_before_tls_is_believed",
        "opening_goes_wrong",
        "words before TLS",
        ("delivery/channel.py", "if not self.quiet:", "if False:"),
    ),
    _bug(
        "any_certificate_will_do",
        "opening_goes_wrong",
        "stranger_in_handshake: ",
        ("delivery/dialling.py", "if not self._verify_certificates:", "if True:"),
    ),
    _bug(
        "a_wrong_password_fails_the_recipients",
        "refused_log_in",
        "made of five emails",
        (
            "domain/replies/by_status.py",
            'rule(Verdict.SENDER_BROKEN, "the log-in was refused", "auth"',
            'rule(Verdict.FAIL, "the log-in was refused", "auth"',
        ),
    ),
    _bug(
        "emails_go_before_their_time",
        "nothing_before_its_time",
        " s early",
        (f"{_SQL}/claim.sql", "j.due_at <= now()", "true"),
        (f"{_SQL}/look.sql", "x.due_at <= clock_timestamp()", "true"),
    ),
    _bug(
        "the_black_box_takes_leaving_for_not_sent",
        "kill_after_dot_hold",
        "D: ",
        (
            "sending/blackbox.py",
            "if record[0] == _PREPARING:",
            "if record[0] in (_PREPARING, _LEAVING):",
        ),
    ),
    _bug(
        "nobody_reads_the_black_box",
        "kill_after_write_ahead_hold",
        "doubts after a kill",
        ("sending/recovery.py", "for box in find_boxes(folder):", "for box in ():"),
    ),
    _bug(
        "late_evidence_is_thrown_away",
        "freeze_after_dot_hold",
        "although the late evidence",
        (f"{_SQL}/record.sql", "OR (j.state = 'in_doubt' AND g.outcome <> 'in_doubt')", ""),
        (f"{_SQL}/record.sql", "OR (j.attempt >= g.attempt AND g.outcome = 'sent'", "OR (false"),
    ),
    _bug(
        "a_complete_campaign_is_never_opened_again",
        "freeze_after_write_ahead_hold",
        "X: ",
        (f"{_SQL}/record.sql", "AND c.state IN ('active', 'completed')),", "AND false),"),
    ),
    _bug(
        "recording_cannot_be_repeated",
        "lost_acknowledgements",
        "taken for a late one",
        (f"{_SQL}/record.sql", "'sending', g.state)", "'sending')"),
    ),
    _bug(
        "a_repeated_record_counts_twice",
        "lost_acknowledgements",
        "and counts 2",
        (
            f"{_SQL}/record.sql",
            "CASE WHEN j.state IN ('claimed', 'sending') THEN g.deferral ELSE 0 END",
            "g.deferral",
        ),
    ),
    _bug(
        "an_outcome_is_dropped_when_the_database_is_away",
        "postgres_crashes",
        "X: ",
        ("persistence/marks.py", "insist=True", "insist=False"),
    ),
    _bug(
        "an_outcome_is_lost_with_the_write_ahead_that_it_travels_with",
        "postgres_crashes",
        "emails at the sink",  # each takes a line with it
        ("persistence/group_commit.py", "            self._go_alone(riders)\n            raise\n",
         "            raise\n"),
    ),
    _bug(
        "what_is_not_recorded_shortly_is_not_recorded_at_length",
        "lost_acknowledgements",
        "taken for a late one",
        ("persistence/ledger.py", "await self._record(others) if others else []",
         "[False] * len(others)"),
        ("persistence/marks.py", "is_recorded or None for", "is_recorded for"),
    ),
    _bug(
        "a_frozen_keeper_keeps_its_lock",
        "freeze_after_claim_hold",
        "nobody took over",
        ("persistence/advisory.py", "SET idle_session_timeout = '{SILENCE_SECONDS}s'", "SELECT 1"),
    ),
)  # fmt: skip


def planted(folder: Path, edits: Sequence[Edit], *, is_whole: bool = False) -> Path:
    """A copy of the package in `folder` with these edits, to be put first on the path.

    A worker needs no pages; whatever else there is comes along only in a copy that `is_whole`.

    Raises `NotPlanted`. Unchanged files are links to the originals,
    and so is what they were compiled to.
    """
    copy = folder / "paceline"
    _compile()
    left_out = _HALF_COMPILED if is_whole else (*_NOT_NEEDED, *_HALF_COMPILED)
    shutil.copytree(PACKAGE, copy, copy_function=os.link, ignore=shutil.ignore_patterns(*left_out))
    for name, old, new in edits:
        file = copy / name
        text = file.read_text(encoding="utf-8")
        if old not in text:
            raise NotPlanted(f"{name} no longer contains {old!r}")
        file.unlink()  # the link, not the original
        Path(cache_from_source(str(file))).unlink(missing_ok=True)
        file.write_text(text.replace(old, new), encoding="utf-8")
    return folder


@cache
def _compile() -> None:
    """Once for all copies: else each of their workers compiles what nobody has yet."""
    compileall.compile_dir(PACKAGE, quiet=2)
