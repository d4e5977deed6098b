"""What a person does to a running task from its screen: type, answer, cancel, go on with its session."""

from __future__ import annotations

from textual import on

from ccconsole.screens.base import ConsoleScreen
from ccconsole.screens.choice import ChoiceScreen, cancel_question
from ccconsole.screens.messages import ControlAsked, PromptAsked
from ccconsole.screens.panel import TaskPanel
from ccconsole.screens.session import Session
from ccconsole.widgets.line_input import Asked, LineInput


class Steering(ConsoleScreen):
    """A screen with a task in it; every command goes through the task's mailbox."""

    _denied = ""
    """The permission whose denial is being put into words."""

    @property
    def session(self) -> Session:
        """The task that commands mean."""
        raise NotImplementedError

    @property
    def panel(self) -> TaskPanel:
        """Where it is shown."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense for this task is offered."""
        if not super().check_action(action, parameters):
            return False
        session = self.session
        match action:
            case "type":
                return session.is_interactive and not (session.drives and self.panel.pane.has_focus)
            case "take_over":
                return session.is_interactive and not session.drives
            case "release":
                return self.panel.pane.is_interactive and self.panel.pane.has_focus
            case "allow" | "deny" | "deny_saying":
                return session.permission is not None
            case "allow_session":
                return session.permission is not None and bool(session.permission.suggestions)
            case "resume":
                return session.is_over and session.task.session_id is not None
            case "cancel":
                return not session.is_over
        return True

    @on(TaskPanel.KeysLost)
    def _keys_lost(self, message: TaskPanel.KeysLost) -> None:
        self.say(f"{message.session.task.driver} types now; your keys go nowhere", is_warning=True)

    def action_type(self) -> None:
        """The keyboard to the terminal; one that nobody drives is taken."""
        session = self.session
        if session.task.driver is None and not session.drives:
            self.action_take_over()
        elif not session.drives:
            self.say(f"{session.task.driver} types here; :take-over takes the keyboard", is_warning=True)
        else:
            self.panel.pane.focus()

    def action_take_over(self) -> None:
        """From whoever types now; the worker says so to all, and writes it down."""
        self.session.take_over()
        self.show_desk()
        self.panel.pane.focus()

    def action_release(self) -> None:
        """The keyboard back to the console."""
        self.set_focus(None)

    def action_cancel(self) -> None:
        """After a question."""
        task = self.session.task
        is_guarded = self.session.environment.is_protected
        question, choices = cancel_question(f"{task.environment}/{task.service}", is_guarded=is_guarded)

        def answered(answer: str | None) -> None:
            if answer is not None:
                self._control("cancel", {"mode": answer})

        self.app.push_screen(ChoiceScreen(question, choices), answered)

    def action_allow(self) -> None:
        """Let the agent do it."""
        self._answer("allow")

    def action_allow_session(self) -> None:
        """Let the agent do it, and the like of it, to the session's end."""
        self._answer("allow_session")

    def action_deny(self) -> None:
        """Do not."""
        self._answer("deny")

    def action_deny_saying(self, text: str = "") -> None:
        """Do not, and say why, or what instead."""
        if text:
            self._answer("deny", text)
        elif (asked := self.session.permission) is not None:
            self._denied = asked.id
            self.ask(Asked.REASON, sign="deny: ")

    @on(LineInput.Ended)
    def _reason_ended(self, message: LineInput.Ended) -> None:
        asked = self.session.permission
        if message.asked is not Asked.REASON:
            return
        if asked is None or asked.id != self._denied:
            self.say("It has been answered meanwhile.", is_warning=True)
        else:
            self._answer("deny", message.text)

    def _answer(self, behavior: str, message: str = "") -> None:
        if (asked := self.session.permission) is not None:
            said = {"message": message} if message else {}
            self._control("answer", {"permission_id": asked.id, "behavior": behavior, **said})

    def _control(self, action: str, fields: dict[str, str]) -> None:
        task = self.session.task
        self.root.post_message(ControlAsked(task.environment, task.id, action, fields))

    def action_resume(self, text: str = "") -> None:
        """A prompt that goes on with the agent's session, on whichever instance takes it."""
        session = self.session
        if session.service is None or session.task.session_id is None:
            self.say("Its service is not there to go on with it.", is_warning=True)
            return
        options = {"mode": session.task.mode, "resume": session.task.session_id}
        self.root.post_message(PromptAsked((session.service.key,), text, options))
