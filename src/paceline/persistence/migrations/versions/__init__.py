"""Each step of the schema, in the order in which `down_revision` names them, not that of numbers.

A number is given when a step is begun, and its place when it is finished. So they run 0020, 0024,
0021, 0022, 0026, 0025, then 0027 to 0029, then 0031, 0030; 0023 was never given, nor were the
numbers 33 and 35 to decisions (`docs/adr/`). None is renumbered: databases remember them by it. A
new step stands behind the one that no other names.
"""
