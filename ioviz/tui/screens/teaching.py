"""Teaching: the half of the stage that follows a scene's lesson. Its pages, its questions, its knobs, its end.

A question is asked when a movement forward would pass its place (`waylaid`); the end is reached when a movement forward
finds nothing more (`run_out`). What was seen is kept in the app's progress.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from ioviz.tui.knobs import as_written, settings_of, tries_of
from ioviz.tui.place import Place
from ioviz.tui.screens.moving import EVENTS_A_SECOND, SPEEDS
from ioviz.tui.screens.typing import Typing
from ioviz.tui.source import Careful

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.lesson.questions import Asked
    from ioviz.lesson.scene import Chapter, Scene
    from ioviz.tui.player import Player
    from ioviz.tui.screens.page import Content

LONGEST: Final = round(180 * EVENTS_A_SECOND)
"""Events and steps that a scene may have to be played at speed 1: three minutes, with the time for reading on top."""


class Teaching(Typing):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.asks = True
        """Whether the questions of a scene are asked."""
        self._quizzing = False
        """Whether questions are made up where the scene has none."""
        self._open_questions: list[Asked] = []
        self._pending: Asked | None = None
        self._verdicts: list[bool] = []
        self._ended_once = False

    @property
    def scene(self) -> Scene | None:
        """The scene that is played, if it is one."""
        return self.player.source.scene if self.player is not None else None

    # -- the pages -----------------------------------------------------------------------------------------------------

    def open_lesson(self) -> None:
        """A scene begins: its opening page, and a mark in the progress."""
        scene = self.scene
        if scene is None:
            return
        played = self.app.progress.of(scene.id)
        self._set_tempo()
        number = 0 if played.finished or played.chapter == 1 else min(played.chapter, len(self.chapter_places))
        left_at = self.nth_chapter(number).title if number else None
        self.app.progress.opened(scene.id)
        from ioviz.tui.pages import opening, opens

        if opens(scene) and self.app.screen is self:
            look = self.app.look
            self._show_page(
                lambda: opening(scene, self.app.lang, look, left_at), lambda item: self._start(item, number)
            )

    def _set_tempo(self) -> None:
        """Play the scene at a speed at which it takes some minutes: at 1 each step of an unfolded event is told."""
        assert self.player is not None
        log, self.speed = self.player.source.timeline, SPEEDS.index(1.0)
        told = len(log)
        if told <= LONGEST:
            told += sum(map(self.player.unfold, log.events(0, told)))
        while told > LONGEST * SPEEDS[self.speed] and self.speed < len(SPEEDS) - 1:
            self.speed, told = self.speed + 1, len(log)

    def _start(self, item: str | None, number: int) -> None:
        """The opening page was closed: maybe to go on at chapter `number`, where the person left off."""
        key, _, rest = (item or "").partition(" ")
        action, _, chosen = rest.partition(" ")
        if "resume" in {item, chosen}:
            self.seek(self.chapter_places[number - 1])
        if key == "key":
            getattr(self, f"action_{action}")()

    def nth_chapter(self, number: int) -> Chapter:
        """Chapter `number` (from 1) of those that happen in this run."""
        raise NotImplementedError

    def action_about(self) -> None:
        """What the scene is about."""
        from ioviz.tui.pages import opening

        scene = self.scene
        if scene is None:
            self.note("no-scene")
            return
        self._show_page(lambda: opening(scene, self.app.lang, self.app.look), lambda item: self._start(item, 0))

    def action_article(self) -> None:
        """What the article says, and what Linux does."""
        from ioviz.tui.pages import article

        scene = self.scene
        if scene is None or not scene.article:
            self.note("no-article")
            return
        self._show_page(lambda: article(scene, self.app.lang, self.app.look))

    def action_tries(self) -> None:
        """The knobs worth turning."""
        from ioviz.tui.pages import tries

        scene, player = self.scene, self.player
        if player is None:
            return
        if isinstance(player.source, Careful) and not player.source.can_turn:
            self.note("no-rerun")
            return
        log = player.source.timeline
        now = settings_of(log.world(min(1, len(log))))
        self._show_page(lambda: tries(scene, now, self.app.lang, self.app.look), self._turn_one)

    def action_closing(self) -> None:
        """What was learned, and what comes next."""
        from ioviz.tui.pages import closing

        scene = self.scene
        if scene is None:
            self.note("no-scene")
            return
        following, played = self.app.following(scene), self.app.progress.of(scene.id)
        self._show_page(lambda: closing(scene, following, played, self.app.lang, self.app.look), self._go_on)

    def action_further(self) -> None:
        """The scene's further page: costs or race."""
        scene = self.scene
        if scene is None or scene.page is None:
            self.note("no-page")
            return
        self.pause()
        self.app.open_further(scene.page)

    def _show_page(self, make: Callable[[], Content], then: Callable[[str | None], None] | None = None) -> None:
        from ioviz.tui.screens.page import PageScreen

        self.pause()
        self.app.push_screen(PageScreen(make), then)

    def _go_on(self, item: str | None) -> None:
        """What was chosen on the last page."""
        if item is None:
            return
        kind, _, name = item.partition(" ")
        if kind == "scene":
            self.app.open_next(name)
        elif kind == "gallery":
            self.app.open_gallery()
        elif kind == "tries":
            self.action_tries()
        elif kind == "article":
            self.action_article()
        elif kind == "page":
            self.action_further()

    # -- the end -------------------------------------------------------------------------------------------------------

    def run_out(self, none: str) -> None:
        """Nothing more follows: the end of a lesson, or a word about it."""
        from ioviz.tui.pages import closes

        scene, player = self.scene, self.player
        if scene is not None and player is not None and none in {"no-more", "at-end"} and self._near_end(player):
            self.app.progress.finished(scene.id)
            if closes(scene) and not self._ended_once:
                self._ended_once = True
                self.action_closing()
                return
        super().run_out(none)

    def _near_end(self, player: Player) -> bool:
        """At the last event, or past the last chapter."""
        last = self.chapter_places[-1] if self.chapter_places else player.log_length
        return player.source.ended and player.place.position >= min(last, player.log_length)

    def saw_chapter(self, number: int) -> None:
        """The person stands at or behind chapter `number` (from 1)."""
        if self.scene is not None and number:
            self.app.progress.reached(self.scene.id, number)
            if self.player is not None and self.player.at_end:
                self.app.progress.finished(self.scene.id)

    # -- questions -----------------------------------------------------------------------------------------------------

    def find_questions(self) -> None:
        """Where the questions of the scene are, once the run is complete."""
        self._open_questions = []
        scene, player = self.scene, self.player
        if scene is None or player is None or not scene.questions or not player.source.ended:
            return
        from ioviz.lesson.anchor import find_anchors
        from ioviz.lesson.questions import pose

        log = player.source.timeline
        places = find_anchors(log.events(0, len(log)), [question.at for question in scene.questions])
        posed = [
            pose(log, question.ask, place)
            for question, place in zip(scene.questions, places, strict=True)
            if place is not None
        ]
        self._open_questions = [asked for asked in posed if asked is not None]

    def action_predict(self) -> None:
        """Questions: on or off. Where the scene has none, they are made up from the run."""
        has_own = self.scene is not None and bool(self.scene.questions)
        if has_own:
            self.asks = not self.asks
        else:
            self._quizzing = not self._quizzing
        self.note("questions-on" if (self.asks if has_own else self._quizzing) else "questions-off")

    def waylaid(self, place: Place) -> Place:
        """Where a movement to `place` ends: at a question that lies before it, if there is one."""
        player = self.player
        straight, self._straight = self._straight, False
        if straight or player is None or place.position <= player.place.position:
            return place
        asked = self._question_before(player.place.position, place.position)
        if asked is None:
            return place
        self._pending = asked
        return Place(asked.stop)

    def _question_before(self, here: int, there: int) -> Asked | None:
        player = self.player
        assert player is not None
        if self.asks and self._open_questions:
            # At a chapter, first its text is to be read: the question comes with the next movement.
            until = there if there in self.chapter_places else there + 1
            passed = [asked for asked in self._open_questions if here <= asked.stop < until]
            return min(passed, key=lambda asked: asked.stop, default=None)
        if self._quizzing and there - here == 1 and there <= player.log_length:
            from ioviz.lesson.questions import offered

            asked = offered(player.source.timeline, there - 1)
            return asked if asked is not None and asked.stop == there else None
        return None

    def arrived(self) -> bool:
        """Ask what is pending, now that the place is on the screen; whether there was anything."""
        asked, self._pending = self._pending, None
        if asked is None:
            return False
        if asked in self._open_questions:
            self._open_questions.remove(asked)
        from ioviz.tui.screens.question import QuestionScreen

        self.pause()
        self.app.push_screen(QuestionScreen(asked, lambda right: self._answered(asked, right)))
        return True

    def _answered(self, asked: Asked, right: bool) -> Text:
        """Keep the score, step to where the answer is seen (or to a chapter before that), and say why."""
        player, look = self.player, self.app.look
        assert player is not None
        self._verdicts.append(right)
        if self.scene is not None and self.scene.questions:
            self.app.progress.answered(self.scene.id, sum(self._verdicts), len(self._verdicts))
        log = player.source.timeline
        why = self.sentence_of(log.event(asked.because), log.world(asked.because))
        # No chapter is passed over: it is read first, even if the answer is seen a little later only.
        player.go(Place(min([asked.show, *(place for place in self.chapter_places if place > asked.stop)])))
        self.show_place()
        return Text(why, look.style("foreground"))

    # -- knobs ---------------------------------------------------------------------------------------------------------

    def _turn_one(self, item: str | None) -> None:
        scene, player = self.scene, self.player
        if item is None or player is None:
            return
        if item == "back":
            self.with_other(self._turn_all_back(player, scene))
        elif item == "other":
            self._ask_for_knob()
        else:
            one = tries_of(scene)[int(item)]
            self.with_other(self._turn_knobs(player, {one.knob: str(one.value)}))

    def _ask_for_knob(self) -> None:
        """Any knob, any value."""
        from ioviz.tui.screens.prompt import Prompt

        names = ", ".join(as_written(None))
        self.app.push_screen(Prompt("turn-knob", "", names=names), self._turn_named)

    def _turn_named(self, text: str | None) -> None:
        if not text or self.player is None:
            return
        knob, equals, value = (piece.strip() for piece in text.partition("="))
        if equals and knob and value:
            self.with_other(self._turn_knobs(self.player, {knob: value}))
        else:
            self.note("turn-knob-bad")

    async def _turn_all_back(self, player: Player, scene: Scene | None) -> None:
        """Every knob as it was at first; the run that can be compared then is the one that had been turned."""
        source, written = player.source, as_written(scene)
        now = settings_of(source.timeline.world(min(1, len(source.timeline))))
        changed = [name for name, value in written.items() if now.get(name, value) != value]
        if changed:
            await self._turn_knobs(player, {name: written[name] for name in changed})
