"""Derby's SQLSTATEs as Db2's SQLCODEs, SQLSTATEs and message tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from tests.servers.db2.sqlca import Sqlca

Tokens = list[str]


def _qualified(names: Tokens, schema: str) -> Tokens:
    name = names[0].replace('"', "") if names else ""
    return [name if "." in name else f"{schema}.{name}"]


def _in_schema(text: str, names: Tokens) -> Tokens:
    """The table that a statement wants of a schema that does not exist."""
    found = re.search(rf'"?{re.escape(names[0])}"?\s*\.\s*"?(\w+)', text, re.IGNORECASE) if names else None
    return [f"{names[0]}.{found[1]}"] if found else names


_PLAIN: dict[str, tuple[int, str, tuple[int | str, ...]]] = {
    "42X04": (-206, "42703", (0,)),
    "42X14": (-206, "42703", (0,)),
    "42X03": (-203, "42702", (0,)),
    "42X12": (-612, "42711", (0,)),
    "42X13": (-612, "42711", (0,)),
    "42Y03": (-440, "42884", (0, "FUNCTION")),
    "42884": (-440, "42884", (0, "FUNCTION")),
    "42X80": (-117, "42802", ()),
    "42802": (-117, "42802", ()),
    "42X58": (-421, "42826", (0,)),
    "42818": (-401, "42818", ("=",)),
    "42821": (-408, "42821", (0,)),
    "42846": (-461, "42846", (0, 1)),
    "42Y35": (-119, "42803", (0,)),
    "42Y36": (-119, "42803", (0,)),
    "42622": (-107, "42622", (0, 1)),
    "42995": (-526, "42995", ()),
    "X0Y68": (-601, "42710", (0, "SCHEMA")),
    "X0Y54": (-478, "42893", ("SCHEMA", 0, "TABLE")),
    "X0Y23": (-478, "42893", ("TABLE", 0, "VIEW", 1)),
    "X0Y25": (-478, "42893", ("TABLE", 1, 2, 3)),
    "23505": (-803, "23505", ("1", 1)),
    "23502": (-407, "23502", (0,)),
    "23503": (-530, "23503", (0,)),
    "23513": (-545, "23513", (0,)),
    "22001": (-433, "22001", (1,)),
    "22003": (-413, "22003", ()),
    "22012": (-801, "22012", ()),
    "22018": (-420, "22018", (0,)),
    "22007": (-180, "22007", ()),
    "22008": (-181, "22007", ()),
    "22011": (-138, "22011", ("SUBSTR",)),
    "40001": (-911, "40001", ("2",)),
    "40XL1": (-911, "40001", ("68",)),
    "40XL2": (-911, "40001", ("68",)),
    "24000": (-501, "24501", ()),
    "57014": (-952, "57014", ()),
}
"""Derby's state: Db2's code and state, and the tokens: ours, or the place of one among Derby's."""

_NAMES: dict[str, int] = {"42X05": 0, "42Y55": 1, "42X65": 0, "42Y07": 0, "42X94": 1, "X0X05": 0}
"""States of what does not exist: where its name is among the tokens."""


def db2_result(found: Sqlca, text: str, schema: str) -> Sqlca:
    """The result that Db2 gives where Derby gives this one for a statement."""
    if found.code == 0:
        return found
    if found.state == "02000":
        return replace(found, code=100, tokens=b"")
    if found.code > 0:
        return replace(found, code=0, state="00000", tokens=b"")
    tokens = [part.decode(errors="replace") for part in found.tokens.split(b"\x14")]
    state = found.state
    if state in _NAMES:
        place = _NAMES[state]
        name = tokens[place : place + 1]
        wanted = _in_schema(text, name) if state == "42Y07" else _qualified(name, schema)
        return replace(found, code=-204, state="42704").with_tokens(*wanted)
    if state in _PLAIN:
        code, db2_state, places = _PLAIN[state]
        words = [place if isinstance(place, str) else _token(tokens, place) for place in places]
        return replace(found, code=code, state=db2_state).with_tokens(*words)
    special = _SPECIAL.get(state)
    if special is not None:
        return special(found, tokens, text, schema)
    reason = f"Derby {state}: {' '.join(tokens[:-1] or tokens)}"
    return replace(found, code=-901, state="58004").with_tokens(reason[:69])


def _token(tokens: Tokens, place: int) -> str:
    return tokens[place] if place < len(tokens) else ""


def _syntax(found: Sqlca, tokens: Tokens, text: str, schema: str) -> Sqlca:
    match = re.search(r'"([^"]*)" at line (\d+), column (\d+)', tokens[0])
    unexpected = match[1] if match else tokens[0][:20]
    place = text.find(unexpected) if unexpected else -1
    before = " ".join(text[:place].split())[-20:] if place > 0 else "BEGIN-OF-STATEMENT"
    if unexpected in ("<EOF>", ""):
        unexpected, before = "END-OF-STATEMENT", " ".join(text.split())[-20:]
    return replace(found, code=-104, state="42601").with_tokens(unexpected[:20], before, "<space>")


def _exists(found: Sqlca, tokens: Tokens, text: str, schema: str) -> Sqlca:
    """X0Y32: type, name, "Schema", schema."""
    kind = _token(tokens, 0).split("/")[0].upper()
    inside = f"{_token(tokens, 3)}." if len(tokens) > 4 else ""
    return replace(found, code=-601, state="42710").with_tokens(f"{inside}{_token(tokens, 1)}", kind)


def _ours(found: Sqlca, tokens: Tokens, text: str, schema: str) -> Sqlca:
    """What `Functions.problem` says."""
    match = re.search(r"(-\d+)\|(\w{5})\|([^\x14]*)", "\x14".join(tokens))
    if match is None:
        return replace(found, code=-901, state="58004").with_tokens(tokens[0])
    return replace(found, code=int(match[1]), state=match[2]).with_tokens(*match[3].split("|"))


_SPECIAL: dict[str, Callable[[Sqlca, Tokens, str, str], Sqlca]] = {
    "42X01": _syntax,
    "42X02": _syntax,
    "X0Y32": _exists,
    "38901": _ours,
}
