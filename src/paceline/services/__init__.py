"""Use cases, one verb each. They know rows and rules, and neither HTTP nor the queue."""
