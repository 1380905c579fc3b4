"""The rules, as pure functions over plain values: no input, no output, no clock, no dice."""
