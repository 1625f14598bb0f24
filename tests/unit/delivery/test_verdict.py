"""R20 and R22: what each answer means."""

from __future__ import annotations

import pytest

from tailrace.delivery.verdict import Decision, MaybeApplied, NotSent, judge
from tailrace.destinations.define import Answer


def decide(event: Answer | NotSent | MaybeApplied, **facts: bool) -> tuple[Decision, bool]:
    known = {"deletes_alone": False, "succeeded": False, "maybe_applied": False} | facts
    verdict = judge(event, **known)
    return verdict.decision, verdict.applied


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207, 226])
def test_success(status: int) -> None:
    assert decide(Answer(status, {})) == ("accepted", True)


def test_a_success_cut_short_may_have_been_applied() -> None:
    assert decide(Answer(200, {}, b'{"res', complete=False)) == ("retry", True)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirects_are_proof_of_nothing_applied(status: int) -> None:
    assert decide(Answer(status, {})) == ("redirected", False)


@pytest.mark.parametrize("status", [400, 402, 406, 409, 411, 414, 418, 421, 422, 424, 426, 428, 431, 451])
def test_refused(status: int) -> None:
    assert decide(Answer(status, {})) == ("refused", False)
    assert decide(Answer(status, {}, complete=False)) == ("refused", False)


@pytest.mark.parametrize("status", [404, 405, 410, 415, 501])
def test_a_wrong_address_before_and_a_refusal_after_the_first_success(status: int) -> None:
    assert decide(Answer(status, {})) == ("wrong_address", False)
    assert decide(Answer(status, {}), succeeded=True) == ("refused", False)


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_deleted(status: int) -> None:
    assert decide(Answer(status, {}), deletes_alone=True) == ("accepted", False)
    assert decide(Answer(405, {}), deletes_alone=True) == ("wrong_address", False)


@pytest.mark.parametrize("status", [423, 425, 429])
def test_try_again_and_provably_not_applied(status: int) -> None:
    assert decide(Answer(status, {})) == ("retry", False)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 507, 520, 599, 600, 199])
def test_try_again_and_perhaps_applied(status: int) -> None:
    assert decide(Answer(status, {})) == ("retry", True)


@pytest.mark.parametrize("status", [401, 403])
def test_unauthorized(status: int) -> None:
    assert decide(Answer(status, {}), succeeded=True) == ("unauthorized", False)


def test_only_429_limits_the_whole_account() -> None:
    def limited(status: int) -> bool:
        return judge(Answer(status, {}), deletes_alone=False, succeeded=True, maybe_applied=False).limited

    assert [status for status in (408, 423, 425, 429, 500, 503) if limited(status)] == [429]


def test_too_large() -> None:
    assert decide(Answer(413, {})) == ("too_large", False)


def test_a_conflict_after_a_lost_answer_is_no_verdict() -> None:
    assert decide(Answer(409, {}), maybe_applied=True) == ("retry", True)
    assert decide(Answer(422, {}), maybe_applied=True) == ("refused", False)


def test_without_an_answer() -> None:
    assert decide(NotSent("connection_refused", "")) == ("retry", False)
    assert decide(NotSent("tls", "")) == ("tls", False)
    assert decide(MaybeApplied("timeout", "")) == ("retry", True)
