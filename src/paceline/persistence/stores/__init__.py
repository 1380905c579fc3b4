"""SQL by noun: functions that take the session first and answer with frozen values."""
