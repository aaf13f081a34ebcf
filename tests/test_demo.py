"""The main job on the sample newsroom, end to end: real server, real store, real workers, real mail files."""

from __future__ import annotations

import email.policy
import json
import mailbox
import re
import sqlite3
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.demo.show import Shown
from monitor.model import StoredStory
from monitor.store import Store

FLAGGED = {
    "georgia-bid", "talks-toxic", "talks-toxic-reprint", "vidpovid", "krasnaya-liniya", "bundestag", "calendrier",
    "po-wojnie", "bosnia-map", "paywalled", "vanished",
}  # fmt: skip
NOT_FLAGGED = {"bruecke", "grain", "donato", "eu-chapters", "torn-one"}


@pytest.fixture
def stories(shown: Shown) -> dict[str, StoredStory]:
    with Store.open(shown.config.store.path, write=False) as store:
        found = [store.story(row["id"]) for row in store.search("", limit=100)]
    return {story.url.rpartition("/")[2]: story for story in found if story}


@pytest.fixture
def mails(shown: Shown) -> list[EmailMessage]:
    box = mailbox.Maildir(shown.config.alerts.mailbox, create=False)
    parser = BytesParser(policy=email.policy.default)
    return [parser.parsebytes(box.get_bytes(key)) for key in box.iterkeys()]


@pytest.fixture
def database(shown: Shown) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{shown.config.store.path}?mode=ro", uri=True)
    yield connection
    connection.close()


def text_of(mail: EmailMessage) -> str:
    """The mail's text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def run(shown: Shown, *arguments: str, exit_code: int = 0) -> str:
    """A command over the demo's store; what it printed."""
    config = str(shown.config.store.path.parent / "config.yaml")
    result = CliRunner().invoke(main, [*arguments, "-c", config], catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    return result.output


def test_stories_about_accession_are_flagged_and_no_others(stories: dict[str, StoredStory]) -> None:
    """In six languages; a passing mention, a homograph and an EU accession stay unflagged."""
    flagged = {slug for slug, story in stories.items() if any(flag.flagged for flag in story.analysis.flags)}
    assert flagged == FLAGGED
    assert stories.keys() - flagged == NOT_FLAGGED


def test_failed_feeds_are_named_and_the_rest_is_unharmed(shown: Shown) -> None:
    """The dead feed and the web page in place of a feed each leave a reason; the torn feed is read."""
    assert shown.news.feeds_polled == 11
    assert len(shown.news.feeds_failed) == 2
    assert any("Silent Times" in line and "503" in line for line in shown.news.feeds_failed)
    assert any("Portal Without Feed" in line and "not a feed" in line for line in shown.news.feeds_failed)


def test_the_backlog_of_the_first_look_is_not_mailed(shown: Shown, mails: list[EmailMessage]) -> None:
    """The Georgian story was there before: stored and flagged, never mailed."""
    assert shown.backlog.stories_flagged == 1
    assert shown.backlog.alerts_sent == 0
    assert not any("Georgian opposition" in str(mail["Subject"]) for mail in mails)


def test_a_wire_copy_sends_no_second_mail(stories: dict[str, StoredStory], mails: list[EmailMessage]) -> None:
    """The agency's text in two outlets is one thread and one mail."""
    assert stories["talks-toxic"].thread_id == stories["talks-toxic-reprint"].thread_id
    about_it = [mail for mail in mails if "Harbour Courier" in text_of(mail)]
    assert len(about_it) == 1
    assert "Evening Ledger" in text_of(about_it[0])


def test_every_mail_has_its_own_message_id_and_both_parts(mails: list[EmailMessage]) -> None:
    """One mail an alert: flagged news stories less the copy."""
    assert len(mails) == len(FLAGGED) - 2
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    for mail in mails:
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail.get_body(("plain",)) is not None
        html = mail.get_body(("html",))
        assert html is not None
        assert "<mark" in html.get_content()


def test_a_paywall_and_a_dead_link_are_judged_on_the_feeds_words_and_say_so(stories: dict[str, StoredStory]) -> None:
    """A teaser is never scored as the article."""
    assert stories["paywalled"].source == "summary"
    assert stories["vanished"].source == "summary"
    assert "404" in stories["vanished"].quality


def test_full_text_in_the_feed_makes_the_page_unnecessary(stories: dict[str, StoredStory]) -> None:
    """The Bosnian story came whole in the JSON Feed."""
    assert stories["bosnia-map"].source == "feed"
    assert stories["bosnia-map"].word_count > 150


def test_evidence_gives_back_its_surface(stories: dict[str, StoredStory]) -> None:
    """text[start:end] is what matched, in every flag of every story."""
    for story in stories.values():
        for flag in story.analysis.flags:
            for evidence in flag.evidence:
                source = story.title if evidence.field == "title" else story.text
                assert source[evidence.start : evidence.end] == evidence.surface
                assert evidence.surface in evidence.sentence


def test_the_candidates_are_named(stories: dict[str, StoredStory]) -> None:
    """Ukraine in the talks, Bosnia in Sarajevo, Georgia in Tbilisi."""
    expected = {"talks-toxic": "UA", "bosnia-map": "BA", "georgia-bid": "GE", "krasnaya-liniya": "UA"}
    for slug, country in expected.items():
        roles = {(c.country, c.role) for c in stories[slug].analysis.countries}
        assert (country, "candidate") in roles, slug


def test_no_entry_is_lost(database: sqlite3.Connection) -> None:
    """Entries offered = stories + pending + skipped with a reason."""
    offered = database.execute("select sum(new) from polls").fetchone()[0]
    settled = database.execute(
        "select count(*) from entries where story_id is not null or state = 'pending' or error is not null"
    ).fetchone()[0]
    assert offered == settled == len(FLAGGED | NOT_FLAGGED)


def test_explain_shows_the_card(shown: Shown, stories: dict[str, StoredStory]) -> None:
    """Score, parts, sentences, tone, prospects, quotations; --json the same for programs."""
    story = stories["talks-toxic"]
    card = run(shown, "explain", str(story.id))
    assert "FLAGGED" in card
    assert "[joining]" in card or "[NATO]" in card
    assert "Prospects" in card
    data = json.loads(run(shown, "explain", story.url, "--json"))
    assert data["flags"][0]["flagged"] is True


def test_query_finds_by_words_and_country(shown: Shown) -> None:
    """As JSON lines; an unknown story is a clear error."""
    rows = [json.loads(line) for line in run(shown, "query", "toxic", "--format", "nl").splitlines()]
    assert {row["outlet"] for row in rows} >= {"Harbour Courier", "Evening Ledger"}
    rows = json.loads(run(shown, "query", "--country", "BA", "--format", "json"))
    assert [row["outlet"] for row in rows] == ["Balkan Dispatch"]
    assert "no story" in run(shown, "explain", "999", exit_code=1)


def test_alerts_can_be_listed_and_shown(shown: Shown) -> None:
    """The outbox names recipients and answers; a message shows as it was sent."""
    rows = json.loads(run(shown, "alerts", "list", "--json"))
    assert {row["state"] for row in rows} == {"sent"}
    assert "Subject: [NATO accession]" in run(shown, "alerts", "show", str(rows[0]["id"]))
    assert "Message-ID:" in run(shown, "alerts", "show", str(rows[0]["id"]), "--raw")


def test_reprocessing_with_the_same_rules_changes_nothing(shown: Shown) -> None:
    """A no-op change has an empty diff."""
    assert "0 flags added, 0 dropped, 0 scores moved; nothing written" in run(shown, "reprocess", "--diff")


def test_test_topic_over_the_store_counts_what_it_flags(shown: Shown) -> None:
    """Before a rule goes live."""
    assert f"would flag {len(FLAGGED)} stories: 0 more than now, 0 fewer" in run(shown, "test-topic", "nato-accession")


def test_status_and_backup_work_on_the_store(shown: Shown, tmp_path: Path) -> None:
    """The copy is a whole store."""
    status = json.loads(run(shown, "status", "--json"))
    assert status["queue"]["pending"] == 0
    copy = tmp_path / "copy.db"
    run(shown, "backup", str(copy))
    with Store.open(copy, write=False) as store:
        assert store.check() == []


def test_the_store_is_sound_and_can_be_cleared_by_hand(shown: Shown) -> None:
    """Beside whatever else uses it; nothing of a fresh store is old enough to go."""
    assert "sound" in run(shown, "check-store")
    assert run(shown, "prune").strip() == "pages 0, texts 0, entries 0, polls 0"


def test_a_speakers_sayings_are_listed_each_once_however_the_name_is_spelt(shown: Shown) -> None:
    """The ledger by command: the reprint's quotation is the original's."""
    every = json.loads(run(shown, "query", "--quotes", "--format", "json"))
    assert every and len({row["saying_id"] for row in every}) == len(every)
    speaker = next(row["speaker"] for row in every if row["n_outlets"] > 1)
    own = json.loads(run(shown, "query", "--quotes", "--speaker", speaker.upper(), "--format", "json"))
    assert own and {row["speaker"] for row in own} == {speaker}
    assert [row["first_at"] for row in own] == sorted(row["first_at"] for row in own)
    run(shown, "query", "words", "--quotes", exit_code=2)


def test_the_sql_of_the_docs_runs(database: sqlite3.Connection) -> None:
    """Every query and view that docs/analyst.md shows."""
    text = (Path(__file__).parents[1] / "docs" / "analyst.md").read_text(encoding="utf-8")
    queries = [
        query for block in re.findall(r"```sql\n(.*?)```", text, re.S) for query in block.split(";") if query.strip()
    ]
    views = re.findall(r"^\| `(v_\w+)`", text, re.M)
    assert len(queries) >= 3
    assert set(views) == {name for (name,) in database.execute("select name from sqlite_master where type = 'view'")}
    for query in [*queries, *(f"select * from {view}" for view in views)]:
        database.execute(query).fetchall()


def test_the_earlier_story_is_the_original_whichever_was_read_first(
    stories: dict[str, StoredStory], database: sqlite3.Connection
) -> None:
    """Harbour Courier published first; the Evening Ledger's is the copy."""
    copies = dict(database.execute("select id, reprint_of from stories where reprint_of is not null").fetchall())
    assert copies == {stories["talks-toxic-reprint"].id: stories["talks-toxic"].id}
