"""The frame of the stage: its bars, and what they say of the place. What the panels show is not its business."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text

from ioviz.lesson.endings import told
from ioviz.model.event import Origin
from ioviz.tui.layout import FLOORS, LEAST
from ioviz.tui.motion import FRAME, SECONDS, motion_of
from ioviz.tui.overview import Overview
from ioviz.tui.screens.teaching import Teaching
from ioviz.tui.source import Careful
from ioviz.tui.widgets.bars import Footer, Rule, TitleBar, WhyBar
from ioviz.tui.widgets.timeline import State, TimelineWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.geometry import Size
    from textual.timer import Timer

    from ioviz.lesson.scene import Chapter
    from ioviz.model.event import Event
    from ioviz.model.world import World
    from ioviz.view.panels import Moment

EPOLL: Final = "EpitemInserted"
"""The kind of event without which the trigger means nothing. (`import socket` alone makes an epoll, to see whether it
can, and puts nothing into it.)"""
SLOW: Final = 1.0
"""The speed above which no motion has the time to be seen."""


class Said(NamedTuple):
    """A piece of the header, and when it goes where room is scarce: 1 first, 0 never."""

    text: str
    spare: int = 0

    def order(self) -> int:
        """For sorting."""
        return self.spare


class Framing(Teaching):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.moment: Moment | None = None
        self.why_texts: list[Text] = []
        self._overview = Overview()
        self._chapter_of: dict[int, int] = {}
        self._toast = ""
        self._toast_key = ""
        self._shown_at = -1
        self._mover: Timer | None = None
        self.moves = True
        """Whether bytes are seen to move."""
        self._as_written: tuple[object, dict[str, str]] | None = None
        self._reading = False
        """Whether a program waits for a line of ours here."""

    def compose(self) -> ComposeResult:
        """The frame."""
        look = self.app.look
        self._title_bar = TitleBar(look)
        self._rules = {floor: Rule(floor, look) for floor in FLOORS}
        self._why_bar = WhyBar(look)
        self._timeline = TimelineWidget(look, self._overview)
        self._footer = Footer(look)
        yield from (self._title_bar, *self._rules.values(), self._why_bar, self._timeline, self._footer)

    # -- the sentence and the chapters -------------------------------------------------------------------------------

    def _make_texts(self, sentence: str, event: Event | None, world: World) -> list[Text]:
        """The event's sentence; the chapter's text where one begins; how the run ended, at its end."""
        look = self.app.look
        player = self.player
        assert player is not None
        texts: list[Text] = []
        chapter = self._chapter_here()
        if chapter is not None and not player.place.step:
            lang = self.app.lang
            title = (f"{chapter.title.of(lang)}  ", look.style("secondary", bold=True))
            texts.append(Text.assemble(title, (chapter.text.of(lang), look.style("foreground"))))
        if event is None:
            key = "at-start" if player.source.scene is not None else "at-start-plain"
            texts.append(Text(self.say(key), look.style("foreground")))
        else:
            head = Text(sentence, look.strong)
            if event.origin:
                known = self.say("inferred" if event.origin == Origin.INFERRED else "observed")
                head = Text.assemble((f"{known}  ", look.muted), head)
            if event.cpu != self.host and event.cpu in world.hosts:
                head = Text.assemble((f"{world.hosts[event.cpu].name}: ", look.style("secondary", bold=True)), head)
            texts.insert(0, head)
        run = world.runs.get(1)
        scene = player.source.scene
        reader = self.reader_at(event, world)
        self._reading = bool(reader)
        if reader:
            texts.append(Text(self.say("type-here", name=reader), look.style("accent", bold=True)))
            if run is not None and run.ended:  # nothing is wrong: somebody has to type
                del texts[0]
        elif run is not None and scene is not None and scene.over(run.ended):
            texts[0] = Text(self.say("scene-over"), look.strong)
        elif run is not None and run.ended and run.message:
            texts.append(Text(told(run.message, self.app.lang), look.error if run.code else look.style("success")))
        failure = player.source.failure if isinstance(player.source, Careful) else ""
        if failure and player.at_end:
            texts.append(Text(self.say("machine-failed", why=failure), look.error))
        return texts

    def _chapter_here(self) -> Chapter | None:
        player = self.player
        if player is None or player.source.scene is None:
            return None
        number = self._chapter_of.get(player.place.position)
        return player.source.scene.chapters[number] if number is not None else None

    def nth_chapter(self, number: int) -> Chapter:
        """Chapter `number` (from 1) of those that happen in this run."""
        scene = self.scene
        assert scene is not None
        return scene.chapters[self._chapter_of[self.chapter_places[number - 1]]]

    def _find_chapters(self) -> None:
        """Find where the chapters are, once the run is complete."""
        self._chapter_of = {}
        player = self.player
        if player is not None and player.source.scene is not None and player.source.ended:
            from ioviz.lesson.anchor import find_anchors

            log = player.source.timeline
            found = find_anchors(log.events(0, len(log)), [chapter.at for chapter in player.source.scene.chapters])
            self._chapter_of = {place + 1: n for n, place in enumerate(found) if place is not None}
        self.chapter_places = tuple(self._chapter_of)
        self.find_questions()

    def _rows_for(self, texts: list[Text], size: Size) -> int:
        """As many rows as the texts need, from two to a third of the screen."""
        most = max(2, size.height // 3)
        return min(most, max(2 if size.height < 30 else 3, len(WhyBar.wrapped(texts, size.width - 4, most + 1))))

    def unusable(self) -> frozenset[str]:
        """Actions of the footer that cannot be used now."""
        hidden = {"present"}
        source = self.player.source if self.player is not None else None
        if not self.chapter_places:
            hidden.add("next-chapter")
        if self.scene is None or not self.scene.tries:
            hidden.add("tries")
        if isinstance(source, Careful) and not source.can_turn:
            hidden |= {"toggle-trigger", "tries"}
        elif not self._overview.has(EPOLL):
            hidden |= {"toggle-trigger"} if self.other is not None else {"toggle-trigger", "compare"}
        return frozenset(hidden)

    def lacks_epoll(self) -> bool:
        """Nobody uses epoll, as far as the timeline knows, which is all of it."""
        player = self.player
        whole = player is not None and player.source.ended and self._overview.seen == player.log_length
        return whole and not self._overview.has(EPOLL)

    def live_state(self) -> list[Said]:
        """What the header says of a live session; nothing of another."""
        return []

    def footer_first(self) -> tuple[str, ...]:
        """The actions that the footer begins with, where that is not as ever."""
        return ()

    def _keys_first(self) -> tuple[str, ...]:
        return ("type-line", *self.footer_first()) if self._reading else self.footer_first()

    # -- motion ------------------------------------------------------------------------------------------------------

    def move_bytes(self, event: Event | None, where: Callable[[str], int | None]) -> None:
        """Let the bytes of the event move, if it was just stepped to and is to be looked at for long enough."""
        player = self.player
        assert player is not None
        before, self._shown_at = self._shown_at, player.place.position
        if before == self._shown_at:
            return
        self._stop_motion()
        slow = not self.playing or float(self.speed_text) <= SLOW
        if not (self.moves and slow and before == self._shown_at - 1 and self.app.animation_level == "full"):
            return
        motion = motion_of(event, where, self.app.size.width, self.app.look.ascii)
        if motion is None:
            return
        began = monotonic()

        def frame() -> None:
            progress = (monotonic() - began) / SECONDS
            if progress >= 1:
                self._stop_motion()
            else:
                self._rules[motion.floor].move(motion.cargo, motion.at(progress))

        self._mover = self.set_interval(FRAME, frame, name="motion")
        frame()

    def _stop_motion(self) -> None:
        if self._mover is not None:
            self._mover.stop()
            self._mover = None
            for rule in self._rules.values():
                rule.move("", 0)

    def action_motion(self) -> None:
        """Bytes are seen to move, or not."""
        self.moves = not self.moves
        self._stop_motion()
        self.note("motion-on" if self.moves else "motion-off")

    # -- the bars ----------------------------------------------------------------------------------------------------

    def _show_bars(self) -> None:
        lang, player, moment = self.app.lang, self.player, self.moment
        state: list[str] = []
        spare: list[str] = []
        across: Text | None = None
        if moment is not None:
            from ioviz.tui.knobs import turned
            from ioviz.tui.picture import clock, crossing, knobs_shown

            across = crossing(moment.event, self.app.look, self.app.lang)
            state = [*turned(moment.world, self._written(), lang), *knobs_shown(moment.world, lang)]
            if len(moment.world.hosts) > 1:
                state.insert(0, moment.world.hosts[self.host].name)
            now = clock(moment.event.t if moment.event is not None else 0, self.app.look.ascii)
            live = self.live_state()
            if live:
                state = [each.text for each in live]
                spare = [now, *[each.text for each in sorted(live, key=Said.order) if each.spare]]
            state.append(now)
        source = player.source if player is not None else None
        title = source.scene.title.of(lang) if source is not None and source.scene is not None else ""
        title = title or (source.title if source is not None else "")
        self._title_bar.update(title, self._chapter_title(), state, spare)
        for floor, rule in self._rules.items():
            rule.update(lang, across if floor == "kernel" else None, "")
        self._why_bar.update(self.why_texts)
        self._show_timeline()
        self._footer.update(lang, self.unusable(), toast=self._last_line(), first=self._keys_first())

    def _written(self) -> dict[str, str]:
        """The knobs as the scene has them."""
        from ioviz.tui.knobs import as_written

        if self._as_written is None or self._as_written[0] is not self.scene:
            self._as_written = self.scene, as_written(self.scene)
        return self._as_written[1]

    def _chapter_title(self) -> str:
        player = self.player
        if player is None or player.source.scene is None or not self._chapter_of:
            return ""
        number = sum(place <= player.place.position for place in self.chapter_places)
        if not number:
            return ""
        chapter = player.source.scene.chapters[self._chapter_of[self.chapter_places[number - 1]]]
        lang = self.app.lang
        return f"{number}/{len(self.chapter_places)} {chapter.title.of(lang)}"

    def _show_timeline(self) -> None:
        player = self.player
        if player is None:
            return
        self._timeline.update(
            State(
                *player.place,
                player.steps,
                player.log_length,
                not player.source.ended,
                self.chapter_places if self.kept is None else (*self.chapter_places, self.kept),
                self.break_places,
                self.playing,
                self.speed_text,
                self.app.lang,
            )
        )
        self.mark_on()

    def _last_line(self) -> str:
        """What stands there instead of keys: a note, or that there is too little room for what the stage is about."""
        width, height = self.size
        small = 0 < width < LEAST[0] or 0 < height < LEAST[1]
        return self._toast or (self.say("too-small", w=width, h=height) if small else "")

    def note(self, key: str, **values: object) -> None:
        """Say something in the last line, until the next key."""
        self._toast, self._toast_key = self.say(key, **values), key
        self._footer.update(self.app.lang, self.unusable(), toast=self._last_line(), first=self._keys_first())

    def instead(self, key: str, by: str, **values: object) -> None:
        """Say `by` if the last line still says `key`."""
        if self._toast and self._toast_key == key:
            self.note(by, **values)
            self._toast_key = key
