"""Numbers of bytes in words."""


def human_size(size: float) -> str:
    """A number of bytes in words, such as “4.3 GB”."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        del units[0]
    return f"{size:.{0 if size >= 10 or units[0] == 'B' else 1}f} {units[0]}"
