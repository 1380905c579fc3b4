"""How much of anything is taken in. Every size has its unit in its name or beside it.

The limits protect the process first (memory, time) and the reader second: past them a clear refusal
is worth more than a slow success.
"""

from __future__ import annotations

MAX_FILE_OCTETS = 128 * 1024 * 1024  # MAX_ROWS with some columns; read piece by piece
MAX_ROWS = 1_000_000  # recipients per upload
MAX_COLUMNS = 100
MAX_CELL = 64 * 1024  # characters; a longer cell is a quotation mark that was never closed
MAX_ROW_LINES = 100  # physical lines of one row: quoted cells may hold line breaks, within reason
MAX_REFUSED = 10_000  # refused rows kept for the report; a file with more is refused as a whole
MAX_BATCH = 5_000  # recipients handed on at a time

MAX_NAME = 200  # characters: of a recipient, a sender, a campaign
MAX_SUBJECT = 998  # octets: RFC 5322 §2.1.1, the longest line there is
MAX_BODY_OCTETS = 1024 * 1024  # of the text, and of the HTML
MAX_FIELD_NAME = 64  # characters of a merge field's name

MAX_ATTACHMENTS = 10  # of one campaign
MAX_ATTACHMENT_OCTETS = 10 * 1024 * 1024
MAX_ATTACHED_OCTETS = 20 * 1024 * 1024  # of one campaign; a third more in each email

MAX_HOURLY_LIMIT = 1_000_000
MAX_MIN_DELAY_MS = 24 * 3_600_000  # a day
MAX_CONNECTIONS = 64
DEFAULT_EXPIRY_HOURS = 72
MAX_EXPIRY_HOURS = 720  # thirty days; RFC 5321 §4.5.4.1 speaks of four or five
MAX_MINUTES_BEHIND = 5  # of a start: a late click, or clocks that differ
MAX_YEARS_AHEAD = 5  # how far off a start may lie; past it, it is a typing mistake

MAX_PAGE = 200  # items of a list
DEFAULT_PAGE = 50
MAX_QUERY = 200  # characters of a search
MAX_PROBLEMS = 100  # reported at once
