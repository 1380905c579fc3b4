"""The only door to BullMQ: lanes, their bell, the workers that run them and the keeper."""
