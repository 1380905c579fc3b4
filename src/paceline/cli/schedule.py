def schedule() -> None:
    """x"""
