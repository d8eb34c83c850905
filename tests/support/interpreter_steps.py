"""What the interpreter does, step by step: a step is one bytecode instruction. Compiled code has none."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


def stepping(
    action: Callable[[], Result], step: Callable[[FrameType], object], within: Callable[[FrameType], bool]
) -> Result:
    """The result of `action`. `step` is called before each step of the frames that `within` picks."""

    def watch(frame: FrameType, event: str, _: object) -> Any:
        if not within(frame):
            return None
        frame.f_trace = watch  # Python 3.13 sends no steps to a frame that has none yet
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if event == "opcode":
            step(frame)
        return watch

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = (
        True  # Python 3.12 sends no steps at all unless some frame asked before tracing began
    )
    sys.settrace(watch)
    try:
        return action()
    finally:
        sys.settrace(before)
