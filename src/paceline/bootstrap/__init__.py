"""The composition root: the only package that knows every part and puts them together.

`worker` sends, `server` answers HTTP, `inbox` catches mail, `schema` migrates, `local` serves the
command line. Each is imported by itself, so that a worker does not carry a web framework around.
"""
