"""One chart on the screen: its words above, its picture below."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from ccconsole.widgets.metrics.charts import Chart


class ChartView(Widget):
    """Whoever draws gives the picture; the words may change without it."""

    heading: reactive[Content] = reactive(Content(""))
    picture: reactive[Content] = reactive(Content(""))

    class Fitted(Message):
        """The chart has another size, and its picture has to be drawn anew."""

        def can_replace(self, message: Message) -> bool:
            """All charts are drawn at once."""
            return isinstance(message, ChartView.Fitted)

    def __init__(self, chart: Chart) -> None:
        super().__init__()
        self.chart = chart

    @property
    def room(self) -> tuple[int, int]:
        """Columns and rows of the picture."""
        return max(0, self.size.width - 1), max(0, self.size.height - 2)

    def on_resize(self) -> None:
        """Another picture fits."""
        self.post_message(self.Fitted())

    def render(self) -> Content:
        """Words and picture."""
        words = self.heading.truncate(self.size.width, ellipsis=True)
        return Content("\n").join([words, self.picture])
