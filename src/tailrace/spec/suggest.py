"""Near misses: what the user may have meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A remedy for an unknown name: the closest known one, or else all of them."""
    import difflib

    options = sorted(known)
    folded = {option.casefold().replace("-", "_"): option for option in options}
    close = difflib.get_close_matches(name.casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    if close:
        return f"Did you mean `{folded[close[0]]}`?"
    if not options:
        return "There are none yet."
    shown = ", ".join(f"`{option}`" for option in options[:12])
    return f"Known here: {shown}{' …' if len(options) > 12 else ''}."
