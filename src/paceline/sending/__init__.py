"""One sender's turn, from the look at what is due to the record of what became of each email.

It knows the rows, the rules and the wire, and neither the queue that wakes it nor HTTP.
"""
