"""Words of a note about a message that more than one side of the system goes by."""

from __future__ import annotations

# In a note on what readers would see instead of what was meant: enough to stop a script.
AS_IT_STANDS = "is sent as it stands"
