"""One file per screen. A route reads the request, calls one service and picks a template."""
