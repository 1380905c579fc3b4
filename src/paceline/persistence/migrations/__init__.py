"""Schema changes in order. They expand first and contract in a later release."""
