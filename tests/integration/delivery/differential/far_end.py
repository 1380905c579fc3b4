"""Where messages end up, octet for octet, and how to wait for them.

Each message that is sent has a tag of its own in its recipient's address, by which it is found
again. A message without one was sent by nobody: it was smuggled.
"""

from __future__ import annotations

import itertools
import re
import socketserver
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

_TAG = re.compile(r"t\d{6}", re.IGNORECASE)
_TAGS = itertools.count(1)


def new_tag() -> str:
    """Eight characters at most count for the length of an address; these are seven."""
    return f"t{next(_TAGS):06}"


class Arrival(NamedTuple):
    """One message for one recipient; the tag in its address is replaced by `{tag}`."""

    mail_from: str
    rcpt_to: str
    content: bytes


class Arrivals:
    """What came, by tag. Servers add to it from their threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._by_tag: defaultdict[str, list[Arrival]] = defaultdict(list)

    def add(self, mail_from: str, rcpt_to: str, content: bytes) -> None:
        found = _TAG.search(rcpt_to)
        tag = found[0].lower() if found else ""
        with self._changed:
            self._by_tag[tag].append(Arrival(mail_from, _TAG.sub("{tag}", rcpt_to), content))
            self._changed.notify_all()

    def wait_for(self, tags: Iterable[str], *, seconds: float) -> dict[str, Arrival]:
        """Blocks until each tag has come, and hands them out. Once each, and nothing else."""
        wanted = set(tags)
        with self._changed:
            self._changed.wait_for(lambda: wanted <= self._by_tag.keys(), timeout=seconds)
            missing = wanted - self._by_tag.keys()
            assert not missing, f"{len(missing)} of {len(wanted)} messages did not arrive"
            taken = {tag: self._by_tag.pop(tag) for tag in wanted}
            assert not self._by_tag, f"arrived, and sent by nobody: {sorted(self._by_tag)}"
        assert all(len(arrivals) == 1 for arrivals in taken.values()), "a message arrived twice"
        return {tag: arrivals[0] for tag, arrivals in taken.items()}

    def forget(self) -> None:
        """What a test that failed left behind is no other test's trouble."""
        with self._changed:
            self._by_tag.clear()

    def nothing_came(self) -> bool:
        with self._changed:
            return not self._by_tag


@contextmanager
def lmtp_recorder(arrivals: Arrivals) -> Iterator[int]:
    """The last hop behind a relay (RFC 2033): takes all, changes nothing. Yields its port."""

    class Conversation(_LmtpConversation):
        record = arrivals

    server = _Server(("127.0.0.1", 0), Conversation)
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True  # the relay keeps its connections open; they end with it
    block_on_close = False
    request_queue_size = 128


class _LmtpConversation(socketserver.StreamRequestHandler):
    record: Arrivals
    wbufsize = -1

    def handle(self) -> None:
        mail_from, recipients = "", list[str]()
        self._say("220 far-end.test LMTP")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"LHLO":
                self._say("250-far-end.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8")
            elif verb == b"DATA":
                self._say("354 go ahead")
                content = self._content()
                for recipient in recipients:
                    self.record.add(mail_from, recipient, content)
                    self._say("250 2.0.0 recorded")
            elif verb == b"QUIT":
                self._say("221 2.0.0 bye")
                return
            else:
                address = line.decode().partition("<")[2].rpartition(">")[0]
                if verb == b"MAIL":
                    mail_from, recipients = address, []
                elif verb == b"RCPT":
                    recipients.append(address)
                self._say("250 2.0.0 ok")

    def _content(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                raise ConnectionError("lost in the middle of a message")
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()
