"""Near misses: what the user may have meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_CLOSE = 0.7
"""Below this `difflib` finds `row` close to `now`."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that differs from this one as by a slip of the keys, if there is one."""
    import difflib

    folded = {option.casefold().replace("-", "_"): option for option in known}
    close = difflib.get_close_matches(name.casefold().replace("-", "_"), folded, n=1, cutoff=_CLOSE)
    return folded[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A remedy for an unknown name: the closest known one, or else all of them."""
    options = sorted(known)
    meant = closest(name, options)
    return f"Did you mean `{meant}`?" if meant else listed(options)


def listed(options: Sequence[str]) -> str:
    """All names that there are, or the first dozen."""
    if not options:
        return "There are none yet."
    shown = ", ".join(f"`{option}`" for option in options[:12])
    return f"Known here: {shown}{' …' if len(options) > 12 else ''}."
