"""Pure: what a server's reply means, by its code, its status and its words."""
