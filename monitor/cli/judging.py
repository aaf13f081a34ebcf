"""Commands about judgements: test-topic, reprocess, review, tune."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import (
    PRELOAD,
    config_option,
    json_option,
    load_config,
    moment,
    now,
    open_store,
    print_json,
    print_table,
    read_lines,
)

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.flag.tuning import Example, Tuning
    from monitor.reprocess import Again, Change
    from monitor.settings import TopicSettings
    from monitor.store import Store


@click.command("test-topic")
@click.argument("name")
@click.option("--against", type=click.Path(dir_okay=False, allow_dash=True), help="Labelled JSON lines (- for stdin).")
@click.option("--positive", default="accession", show_default=True, help="The label that should be flagged.")
@click.option("--misses/--no-misses", default=True, help="Show each miss with its evidence.")
@config_option
@json_option
def test_topic_command(
    name: str, against: str | None, positive: str, misses: bool, config_path: Path | None, as_json: bool
) -> None:
    """What topic NAME would flag: in the store, or in a labelled file with precision, recall and each miss.

    The file holds {id, title, text, label, lang?, kind?, ambiguous?} a line; ambiguous ones are left out.
    """
    from monitor.topic_test import against_file

    config = load_config(config_path)
    topic = _topic(config, name)
    if against:
        result = against_file(topic, read_lines(against), positive)
        if as_json:
            print_json(result)
            return
        print_table(
            ["", "stories", "wanted", "flagged", "precision", "recall", "F1"],
            [
                (g["group"], g["n"], g["wanted"], g["flagged"], *(f"{g[k]:.3f}" for k in ("precision", "recall", "f1")))
                for g in result["groups"]
            ],
        )
        for miss in result["misses"] if misses else ():
            click.echo(f"{miss['kind']}: {miss['id']} {miss['lang'] or ''} {miss['score']:.2f} {miss['title']}")
            for sentence in miss["sentences"][:3]:
                click.echo(f"    {sentence}")
        return
    _show_changes(config, topic.name, as_json=as_json)


@click.command("reprocess")
@click.option("--since", help="Only stories published since: a date (2026-11-01) or an age (24h, 7d).")
@click.option("--diff", "mode", flag_value="diff", default=True, help="Show what would change.  [default]")
@click.option("--apply", "mode", flag_value="apply", help="Write it.")
@click.option("--reread", is_flag=True, help="Also take the text from the kept pages once more.")
@config_option
@json_option
def reprocess_command(since: str | None, mode: str, reread: bool, config_path: Path | None, as_json: bool) -> None:
    """Judge stored stories again after a rule or model change. Owes no alerts; --diff shows first what would change."""
    config = load_config(config_path)
    with open_store(config, write=mode == "apply") as store:
        found: list[Change] = []
        count = 0
        ruleset = _ruleset(config, store)
        for again in _again(config, store, since, reread=reread):
            count += 1
            found += _changes_of(store, again)
            if mode == "apply":
                store.replace_analysis(again.kept.story_id, again.analysis, ruleset, again.article)
    if as_json:
        print_json([_change_json(change) for change in found])
        return
    _print_changes(found)
    kinds = Counter(change.kind for change in found)
    done = "written" if mode == "apply" else "nothing written; --apply does it"
    click.echo(
        f"{count} stories judged again: {kinds['added']} flags added, {kinds['dropped']} dropped, "
        f"{kinds['score']} scores moved; {done}"
    )


@click.command("review")
@click.argument("story", type=int)
@click.argument("verdict", type=click.Choice(["relevant", "irrelevant", "mute"]))
@click.option("--topic", help="Only for this topic.")
@click.option("--note", default="")
@click.option("--by", default="", help="Who says so.")
@config_option
def review_command(story: int, verdict: str, topic: str | None, note: str, by: str, config_path: Path | None) -> None:
    """Judge STORY (its id): relevant, irrelevant, or mute (no more mails on its thread)."""
    from monitor.cli.common import light_config

    with open_store(light_config(config_path), write=True) as store:
        store.add_review(story, topic, verdict, note=note, by=by, via="command", now=now())
    click.echo(f"story {story}: {verdict}")


@click.command("tune")
@click.argument("name", required=False)
@click.option("--apply", "apply_", is_flag=True, help="Use what was learned from now on.")
@click.option("--undo", is_flag=True, help="Back to how it was before the last --apply.")
@config_option
def tune_command(name: str | None, apply_: bool, undo: bool, config_path: Path | None) -> None:
    """Learn from your reviews how to weigh topic NAME. Shows the change first; --apply keeps it, --undo reverts it."""
    from monitor.flag.tuning import Tuning, cross_measure, fit, measure

    config = load_config(config_path)
    topic = _topic(config, name or config.topics[0].name)
    key, before_key = f"tuning.{topic.name}", f"tuning.{topic.name}.before"
    with open_store(config, write=apply_ or undo) as store:
        if undo:
            store.set_setting(key, store.setting(before_key))
            store.set_setting(before_key, None)
            click.echo(f"{topic.name}: back to {_words(store.setting(key))}; `monitor reprocess` judges stored stories")
            return
        examples = _examples(config, store, topic)
        wanted = sum(example.relevant for example in examples)
        if not wanted or wanted == len(examples):
            raise click.ClickException(
                f"{len(examples)} reviews on {topic.name}, {wanted} of them relevant; both kinds are needed to learn"
            )
        learned = fit(examples, topic.threshold)
        rows = [
            ("shipped weights", *measure(examples, Tuning(), topic.threshold)),
            ("tuned, on the reviews it learned from", *measure(examples, learned, topic.threshold)),
            ("tuned, on reviews it did not see (5 folds)", *cross_measure(examples, topic.threshold)),
        ]
        print_table(["", "precision", "recall"], [(what, f"{p:.2f}", f"{r:.2f}") for what, p, r in rows])
        click.echo(f"{len(examples)} reviews, {wanted} relevant. Learned: {_words(_tuning_json(learned))}")
        if not apply_:
            click.echo("Nothing written; --apply uses it.")
            return
        store.set_setting(before_key, store.setting(key))
        store.set_setting(key, _tuning_json(learned))
    click.echo("In use from now on (a running daemon: after SIGHUP). `monitor tune --undo` takes it back.")


def _topic(config: Config, name: str) -> TopicSettings:
    from monitor.settings import nearest

    names = {topic.name: topic for topic in config.topics}
    if name not in names:
        close = nearest(name, names)
        raise click.ClickException(f"no topic {name} in the config" + (f"; did you mean {close}?" if close else ""))
    return names[name]


def _again(config: Config, store: Store, since: str | None, *, reread: bool) -> Iterable[Again]:
    from monitor.pipeline import analysis_settings
    from monitor.reprocess import stories_again
    from monitor.workers import open_executor

    executor = open_executor(config.workers, call_timeout_s=config.read.page_timeout.total_seconds(), preload=PRELOAD)
    try:
        yield from stories_again(store, executor, analysis_settings(config, store), since=moment(since), reread=reread)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _ruleset(config: Config, store: Store) -> str:
    from monitor import work
    from monitor.pipeline import analysis_settings

    return work.tools(analysis_settings(config, store)).ruleset


def _changes_of(store: Store, again: Again) -> list[Change]:
    from monitor.reprocess import changes

    stored = store.story(again.kept.story_id)
    return changes(stored.analysis.flags if stored else (), again)


def _show_changes(config: Config, topic: str, *, as_json: bool) -> None:
    """test-topic over the store: what is flagged now, and what the rule as it stands in the config would change."""
    with open_store(config) as store:
        flagged, found = 0, []
        for again in _again(config, store, None, reread=False):
            flagged += any(flag.topic == topic and flag.flagged for flag in again.analysis.flags)
            found += [change for change in _changes_of(store, again) if change.topic == topic]
    if as_json:
        print_json({"flagged": flagged, "changes": [_change_json(change) for change in found]})
        return
    _print_changes([change for change in found if change.kind != "score"])
    kinds = Counter(change.kind for change in found)
    click.echo(f"{topic} would flag {flagged} stories: {kinds['added']} more than now, {kinds['dropped']} fewer")


def _print_changes(found: list[Change]) -> None:
    shown = [change for change in found if change.kind != "score"]
    if shown:
        print_table(
            ["", "story", "topic", "score before", "now", "outlet", "title"],
            [(c.kind, c.story_id, c.topic, _score(c.before), _score(c.after), c.outlet, c.title) for c in shown],
        )


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "story_id": change.story_id,
        "topic": change.topic,
        "before": change.before,
        "after": change.after,
        "outlet": change.outlet,
        "title": change.title,
    }


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"


def _examples(config: Config, store: Store, topic: TopicSettings) -> list[Example]:
    """The reviewed stories with the parts of their shipped score; a muted story says nothing about relevance."""
    from monitor import work
    from monitor.flag.tuning import Example
    from monitor.model import Document

    untuned = work.AnalysisSettings(topics=(topic,), sentiment=config.sentiment)
    rules = work.tools(untuned.model_dump_json()).rules
    examples = []
    for story_id, verdict in store.judged_stories(topic.name):
        story = store.story(story_id)
        if story is None or verdict == "mute":
            continue
        document = Document(
            id=str(story_id),
            title=story.title,
            text=story.text,
            url=story.url,
            lang=story.lang,
            published_at=story.published_at,
            outlet=story.outlet,
            country=story.country,
        )
        flags = [flag for flag in rules.judge(document).flags if flag.topic == topic.name]
        if flags:
            examples.append(Example(flags[0].parts, verdict == "relevant"))
    return examples


def _tuning_json(tuning: Tuning) -> dict[str, Any]:
    return {"factors": dict(tuning.factors), "threshold": tuning.threshold}


def _words(tuning: dict[str, Any] | None) -> str:
    if not tuning or (not tuning["factors"] and tuning["threshold"] is None):
        return "the shipped weights"
    threshold = "" if tuning["threshold"] is None else f", threshold {tuning['threshold']}"
    return f"factors {json.dumps(tuning['factors'])}{threshold}"
