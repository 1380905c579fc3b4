"""The dev inbox: takes SMTP on this machine, keeps what it gets for people to look at, relays none.

async with DevInbox(StoredInbox(database), host="127.0.0.1", port=1025):
    await stop.wait()
"""

from paceline.devinbox.server import DevInbox
from paceline.devinbox.store import InboxStore, StoredInbox

__all__ = ["DevInbox", "InboxStore", "StoredInbox"]
